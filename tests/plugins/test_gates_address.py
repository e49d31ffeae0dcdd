"""The gate `address` on what a language says like a form of address, and on forms that only some places use."""

import pytest

from langadapt.interfaces import SegmentPair, Translation
from langadapt.languages import Language, LanguagePack
from langadapt.records import Text
from langadapt_plugins.filters.address import Address

ALIKE = [
    ("es", "Create a list of your books.", "Crea una lista de tus libros."),
    ("es", "Share your ideas.", "Comparte tus ideas."),
    ("es", "Join your friends.", "Una tarde con tus amigos."),
    ("es", "Quickly write your name, sir.", "Rápidamente escriba usted su nombre."),
    ("es", "You may be right. You know it.", "Puede que tengas razón. Lo sabes."),
    ("es", "It makes sense that you are tired.", "Tiene sentido que estés cansado."),
    ("es", "It must be hard for you.", "Debe ser duro para ti."),
    ("it", "It must be hard for you.", "Deve essere dura per te."),
    ("pt", "It must be hard for you.", "Deve ser difícil para ti."),
    ("es", "The IT department helps you, sir.", "El departamento de TI le ayuda a usted."),
    ("es", "You and your friends, all of you.", "Tú y tus amigos, todos ustedes."),
    ("es", "Ask your bank about the bank's fees.", "Pregúntale a tu banco por sus comisiones."),
    ("es", "Ask the friend whose car you took.", "Pregunta a tu amigo por su coche."),
]  # fmt: skip
MIXED = [
    ("es", "Write your name. You know it.", "Escriba usted su nombre. Lo sabéis.", "sabéis"),
    ("es", "You can start. Thank you, sir.", "Podés empezar. Gracias a usted.", "usted"),
    ("es", "You know it. Create a list of your books.", "Lo sabes. Su lista de libros.", "Su"),
    ("es", "It's your turn, you know that.", "Es su turno, tú lo sabes.", "tú"),
    ("it", "You must hurry. Your train leaves.", "Deve sbrigarsi. Il tuo treno parte.", "tuo"),
]


def judged(code, source, target):
    pairs = (SegmentPair(source=source, target=target, text=0),)
    done = Translation(source=Text(id="1", text=source), target=Text(id="1", text=target), pairs=pairs)
    return Address().filter([done], source=Language.of("en"), pack=LanguagePack.bare(code))[0]


@pytest.mark.parametrize(("code", "source", "target"), ALIKE)
def test_what_only_looks_like_another_form_is_kept(code, source, target):
    verdict = judged(code, source, target)
    assert verdict.keep, verdict.reason


@pytest.mark.parametrize(("code", "source", "target", "word"), MIXED)
def test_another_form_is_found(code, source, target, word):
    verdict = judged(code, source, target)
    assert not verdict.keep
    assert target[slice(*verdict.span)] == word
