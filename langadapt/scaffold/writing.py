"""How a language writes decimal marks and quotation marks, as far as CLDR knows: a table beside this file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from langadapt.languages import Language, read_toml

_USUAL = "“ ”"


@dataclass(frozen=True, kw_only=True)
class Writing:
    """The marks of one language; `decimal_comma` is None where nobody has said."""

    decimal_comma: bool | None
    quotes: tuple[str, str]

    @classmethod
    def of(cls, language: Language) -> Self:
        """What the table says of a language, or of the language that it is a variety of."""
        table = read_toml(Path(__file__).with_suffix(".toml"))
        short = language.code.split("-")[0]
        codes = (language.code, f"{short}-{language.script}", short)
        marks, quotes = (
            {code: mark for mark, listed in table[name].items() for code in listed.split()}
            for name in ("decimal", "quotes")
        )
        comma = next((marks[code] == "," for code in codes if code in marks), None)
        opening, closing = next((quotes[code] for code in codes if code in quotes), _USUAL).split()
        return cls(decimal_comma=comma, quotes=(opening, closing))
