"""Terms with their translations, from a file of tab-separated values, and those of them that stand in a text."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from langadapt.errors import ConfigError
from langadapt.languages import Language

_SPACED = "13a"
"""The tokenizer of languages that part words by blanks; in others a term may stand anywhere."""
_PLURAL = "(?:e?s)?"


@dataclass(frozen=True)
class Glossary:
    """Pairs of a term in the source's language and its translation."""

    terms: tuple[tuple[str, str], ...]
    source: Language

    @classmethod
    def read(cls, path: Path, source: Language, target: Language) -> "Glossary":
        """A file whose first line names its two languages, the other way round where these stand so."""
        try:
            lines = [line.split("\t") for line in path.read_text(encoding="utf-8-sig").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"the glossary {path} cannot be read: {error}", hint="name a TSV file"
            ) from error
        rows = [
            (number, [cell.strip() for cell in line]) for number, line in enumerate(lines, 1) if any(line)
        ]
        wrong = [number for number, row in rows if len(row) < 2 or not all(row[:2])]
        if wrong or not rows:
            raise ConfigError(
                f"the glossary {path}, line {wrong[0] if wrong else 1}: no term with its translation",
                hint="two columns with a tab between, below a line that names the two languages",
            )
        (number, head), *rest = rows
        turned = _is(head[0], target) and _is(head[1], source)
        if not turned and not (_is(head[0], source) and _is(head[1], target)):
            raise ConfigError(
                f"the glossary {path}, line {number}: {head[0]!r} and {head[1]!r} do not name {source.name} and {target.name}",
                hint=f"begin it with the names of its two languages, a tab between: {source.name.lower()}\\t{target.name.lower()}",
            )
        pairs = ((row[1], row[0]) if turned else (row[0], row[1]) for _, row in rest)
        return cls(
            tuple({term.casefold(): (term, said) for term, said in reversed(list(pairs))}.values()), source
        )

    def found(self, text: str) -> tuple[tuple[str, str], ...]:
        """The terms that stand in a text, each once, in the order in which they do; of those that overlap the longest."""
        folded = " ".join(text.casefold().split())
        places: dict[int, tuple[str, str]] = {}
        taken: list[range] = []
        for key, pair in self._longest:
            if key not in folded:
                continue
            for match in self._pattern(pair[0]).finditer(text):
                if not any(match.start() < span.stop and span.start < match.end() for span in taken):
                    taken.append(range(*match.span()))
                    places[match.start()] = pair
        return tuple(dict.fromkeys(places[start] for start in sorted(places)))

    @cached_property
    def _longest(self) -> list[tuple[str, tuple[str, str]]]:
        """The terms as they are looked for first, and as they are."""
        keyed = [(" ".join(pair[0].casefold().split()), pair) for pair in self.terms]
        return sorted(keyed, key=lambda one: len(one[0]), reverse=True)

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        return {}

    def _pattern(self, term: str) -> re.Pattern[str]:
        """A term as a whole; English ones in the plural too, where that is an s more."""
        if term not in self._patterns:
            more = _PLURAL if self.source.code.partition("-")[0] == "en" else ""
            before, after = (r"(?<!\w)", r"(?!\w)") if self.source.bleu_tokenizer == _SPACED else ("", "")
            words = r"\s+".join(map(re.escape, term.split()))
            self._patterns[term] = re.compile(f"{before}{words}{more}{after}", re.IGNORECASE)
        return self._patterns[term]


def _is(name: str, language: Language) -> bool:
    """Whether a column's name is that of the language, in English or its own, or its code."""
    names = (language.name.casefold(), language.native.casefold())
    said = name.casefold()
    return said == language.code.casefold() or any(
        one == said or one.startswith(f"{said} (") for one in names
    )
