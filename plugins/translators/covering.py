"""Which model to take for a language where nobody names one."""

from collections.abc import Callable, Sequence

from langadapt.interfaces import Resolved
from langadapt.languages import LanguagePack
from langadapt.models import covering, families


def covering_model(kinds: Sequence[str]) -> Callable[[LanguagePack], Resolved]:
    """Finds, among the families of these kinds, the first that translates English into the pack's language."""

    def resolve(pack: LanguagePack) -> Resolved:
        language = pack.language
        for model, family in covering(language, kinds):
            return Resolved(
                value=model, origin=f"family {family.name} covers {language.name}; {family.license}"
            )
        every = {family.kind for family in families().values()}
        others = covering(language, every)
        if others:
            model, family = others[0]
            why = f"no model of the kind {' or '.join(kinds)} is known for {language.name}; {model} is {family.kind}: use = transformers"
        else:
            why = f"no translation model is known for {language.name}: name one"
        return Resolved(value=None, origin=why)

    return resolve
