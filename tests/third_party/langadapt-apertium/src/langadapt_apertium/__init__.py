"""Apertium's rule-based machine translation (Forcada et al. 2011) as a translator of langadapt."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from langadapt.errors import ComponentError, ConfigError
from langadapt.interfaces import SPEED, Hypothesis, Segment
from langadapt.languages import Language, LanguagePack

_SENTENCES = re.compile(r"^<p>(.*)</p>$")
_INSTALL = "apt install apertium apertium-eng-spa, or the package of your pair; `apertium -l` lists pairs"


@dataclass(frozen=True, kw_only=True)
class Apertium:
    """Translates with the Apertium pair that is installed for the two languages."""

    output_version: ClassVar[int] = 1
    mode: Annotated[str | None, "an Apertium mode such as eng-spa; told from the languages where not set"] = (
        None
    )
    block: Annotated[int, "segments given to one Apertium process", SPEED] = 2000

    def __post_init__(self) -> None:
        if self.block < 1:
            raise ConfigError(f"`block` is {self.block}; it must be above 0")

    @property
    def deterministic(self) -> bool:
        """Rules do not change their mind."""
        return True

    @property
    def known(self) -> dict[str, str]:
        """The version of Apertium, which is part of what a translation is."""
        return {"apertium": _apertium("-V").strip()}

    def check(self, pack: LanguagePack) -> None:
        """Refuse a pair that is not installed."""
        self._mode(Language.of("en"), pack.language)

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """Block by block, in order."""
        mode = self._mode(source, target)
        for start in range(0, len(texts), self.block):
            some = [(start + n, one.text) for n, one in enumerate(texts[start : start + self.block])]
            yield from _translated(some, mode)

    def close(self) -> None:
        """Nothing is held."""

    def _mode(self, source: Language, target: Language) -> str:
        mode = self.mode or f"{_code(source)}-{_code(target)}"
        installed = _apertium("-l").split()
        if mode not in installed:
            raise ConfigError(
                f"Apertium has no pair {mode}; it has {', '.join(installed) or 'none'}", hint=_INSTALL
            )
        return mode


def _translated(texts: Sequence[tuple[int, str]], mode: str) -> Iterator[tuple[int, Hypothesis]]:
    """One process for all. Each text is a paragraph of HTML, so that none reads on into the next."""
    sent = []
    for index, text in texts:
        if reason := _refusal(text):
            yield index, Hypothesis(text="", finish="error", reason=reason)
        else:
            sent.append((index, text))
    if not sent:
        return
    page = "".join(f"<p>{text}</p>\n" for _, text in sent)
    lines = _apertium("-u", "-f", "html-noent", mode, page=page).splitlines()
    for (index, text), line in zip(sent, lines if len(lines) == len(sent) else [""] * len(sent), strict=True):
        came = _SENTENCES.match(line)
        if came and came[1].strip():
            words = len(text.split()), len(came[1].split())
            yield index, Hypothesis(text=came[1].strip(), tokens_in=words[0], tokens_out=words[1])
        else:
            yield index, Hypothesis(text="", finish="error", reason="Apertium gave no paragraph for it")


def _refusal(text: str) -> str:
    """Why a text cannot be a paragraph of the page; empty where it can."""
    if not text.strip():
        return "nothing to translate"
    if len(text.splitlines()) > 1:
        return "several lines"
    if "<p>" in text or "</p>" in text:
        return "a paragraph mark in the text"
    return "" if text.isprintable() else "characters that are no text"


def _code(language: Language) -> str:
    """ISO 639-3, as Apertium's modes have it."""
    import langcodes

    return langcodes.Language.get(language.code).to_alpha3()


def _apertium(*words: str, page: str = "") -> str:
    program = shutil.which("apertium")
    if program is None:
        raise ComponentError("the program apertium is not there", hint=_INSTALL)
    done = subprocess.run(
        [program, *words], input=page, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    if done.returncode:
        raise ComponentError(
            f"apertium {' '.join(words)}: {done.stderr.strip()[:200] or done.returncode}", hint=_INSTALL
        )
    return done.stdout
