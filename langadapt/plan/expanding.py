"""How the target's texts differ in length from the source's: measured on the sample, on the pack's exemplars, or assumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langadapt.models.tokens import TokenCounter
from langadapt.plan.calibrating import Heard
from langadapt.plan.estimates import Estimate

if TYPE_CHECKING:
    from langadapt.plan.planning import Request

_PAIRS_AT_LEAST = 5
_SURE = Estimate(0.97, 1.0, 1.03)
_LIKELY = Estimate(0.85, 1.0, 1.2)


@dataclass(frozen=True)
class Expansion:
    """What becomes of a character, a byte on disk, a token of the translator and one of the base, as ratios."""

    characters: Estimate
    bytes: Estimate
    tokens: Estimate
    base_tokens: Estimate

    @classmethod
    def of(cls, request: "Request", told: Heard | None, counter: TokenCounter | None) -> "Expansion":
        """From what the sample's translations say, else the pack's exemplars, else a table."""
        pairs = [(s.text, h.text) for s, h in told.hypotheses.items() if h.finished] if told else []
        sure = _SURE
        if len(pairs) < _PAIRS_AT_LEAST:
            pairs, sure = _exemplars(request), _LIKELY
        if len(pairs) < _PAIRS_AT_LEAST:
            return cls._assumed(request)
        if sure is _LIKELY:
            request.assumed.note(
                "length of the translation", f"{_ratio(pairs):.2f} of the source's", "the pack's exemplars"
            )
        characters = _times(sure, _ratio(pairs))
        inside = _tokens(pairs, counter)
        base = _times(sure, inside) if inside else cls._assumed(request).base_tokens
        return cls(characters, _times(sure, _bytes(pairs)), base, base)

    @classmethod
    def _assumed(cls, request: "Request") -> "Expansion":
        kind = "latin" if request.pack.language.script == "Latn" else "other"
        tokens = request.assumed.interval(
            "expansion", kind, what="tokens of the translation for each of the source"
        )
        characters = Estimate(0.4, 1.0, 1.4) if kind == "other" else Estimate(0.9, 1.1, 1.3)
        return cls(characters, Estimate(0.9, 1.2, 2.2), tokens, tokens)


def _exemplars(request: "Request") -> list[tuple[str, str]]:
    """The pack's good translations, text by text."""
    found: list[tuple[str, str]] = []
    for row in request.pack.rows("exemplars.jsonl"):
        sides = [row.get("source_messages"), row.get("messages")]
        if all(isinstance(side, list) for side in sides):
            found += [
                (str(source.get("content")), str(target.get("content")))
                for source, target in zip(*sides, strict=False)
            ]
    return found


def _times(sure: Estimate, value: float) -> Estimate:
    return sure * value


def _ratio(pairs: Sequence[tuple[str, str]]) -> float:
    return sum(len(t) for _, t in pairs) / max(1, sum(len(s) for s, _ in pairs))


def _bytes(pairs: Sequence[tuple[str, str]]) -> float:
    sizes = [sum(len(pair[side].encode("utf-8", "replace")) for pair in pairs) for side in (0, 1)]
    return sizes[1] / max(1, sizes[0])


def _tokens(pairs: Sequence[tuple[str, str]], counter: TokenCounter | None) -> float | None:
    """Tokens of the translations over those of the sources, in the base's tokenizer; None where that is not here."""
    if counter is None:
        return None
    sizes = [
        sum(
            map(
                len,
                counter.tokenizer(
                    [pair[side].encode("utf-8", "replace").decode() for pair in pairs],
                    add_special_tokens=False,
                )["input_ids"],
            )
        )
        for side in (0, 1)
    ]
    return sizes[1] / max(1, sizes[0])
