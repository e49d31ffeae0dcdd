"""Splits what was too long or ran out of length into sentences and sends the parts again: a Translator around a Translator."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from langadapt.interfaces import Hypothesis, Segment, Translator
from langadapt.languages import Language


@dataclass(frozen=True, kw_only=True)
class Retry:
    """`inner`, with unfinished segments split by sentence and tried once more, part by part."""

    output_version: ClassVar[int] = 1
    inner: Translator

    @property
    def deterministic(self) -> bool:
        """As the inner translator."""
        return self.inner.deterministic

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """Finished hypotheses as they come; the rest after their second try."""
        failed: dict[int, Hypothesis] = {}
        for index, hypothesis in self.inner.translate(texts, source=source, target=target):
            if hypothesis.finish in ("length", "too-long"):
                failed[index] = hypothesis
            else:
                yield index, hypothesis
        parts = {index: sentences(texts[index].text, source) for index in failed}
        hopeless = [index for index, split in parts.items() if len(split) < 2]
        yield from ((index, failed[index]) for index in hopeless)
        yield from self._again(
            {i: split for i, split in parts.items() if len(split) > 1}, texts, source, target
        )

    def close(self) -> None:
        """Close the inner translator."""
        self.inner.close()

    def _again(
        self, parts: dict[int, list[str]], texts: Sequence[Segment], source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        places = [(index, part) for index, split in parts.items() for part in range(len(split))]
        sent = [replace(texts[index], text=parts[index][part].strip()) for index, part in places]
        got: dict[int, dict[int, Hypothesis]] = {index: {} for index in parts}
        for number, hypothesis in self.inner.translate(sent, source=source, target=target):
            index, part = places[number]
            got[index][part] = hypothesis
            if len(got[index]) == len(parts[index]):
                yield index, _joined(parts[index], [got[index][p] for p in range(len(parts[index]))])


def sentences(text: str, language: Language) -> list[str]:
    """The sentences of a text; joined they are the text."""
    from sentencex import segment

    parts: list[str] = []
    for part in segment(language.code.split("-")[0], text):
        if parts and not part.strip():
            parts[-1] += part
        else:
            parts.append(part)
    return parts


def _joined(parts: list[str], done: list[Hypothesis]) -> Hypothesis:
    """One hypothesis from those of the parts, with the white space that stood between them."""
    unfinished = next((one for one in done if not one.finished), None)
    gaps = [part[len(part.rstrip()) :] for part in parts[:-1]] + [""]
    return Hypothesis(
        text="" if unfinished else "".join(one.text + gap for one, gap in zip(done, gaps, strict=True)),
        finish=unfinished.finish if unfinished else "stop",
        reason=f"a sentence of it: {unfinished.reason or unfinished.finish}" if unfinished else "",
        tokens_in=sum(one.tokens_in for one in done),
        tokens_out=sum(one.tokens_out for one in done),
    )
