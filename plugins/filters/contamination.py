"""Does a record repeat what a benchmark asks? Word for word, in another order, or as another translator would put it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt, Le

from langadapt.errors import ConfigError, DataError
from langadapt.interfaces import Evaluator, Item, Loads, Translation, Verdict
from langadapt.languages import Language, LanguagePack, read_toml
from langadapt.records import read_rows
from langadapt_plugins.filters.overlap import Index, Limits, Match
from langadapt_plugins.filters.phrases import lists
from langadapt_plugins.filters.segmentwise import DATA

_NAMES = ("id", "task", "answers", "choices")


@dataclass(frozen=True, kw_only=True)
class Contamination(Loads):
    """Drops a record that repeats an item of a benchmark; the reason names the item. The score is the item's share, 0 to 1.

    The record's texts in its own language are searched as one. A row of `run` words is what GPT-3 was cleaned by (13-grams,
    Brown et al. 2020, arXiv 2005.14165, appendix C). Elsewhere words count whatever their order and ending, by how rare they
    are among the items, so that a template counts for nothing. A translation is compared with items in its own language: what
    others have said in other words is best found in the source, before it is translated.
    """

    output_version: ClassVar[int] = 1
    against: Annotated[
        Evaluator | None, 'whose items are looked for: `{ use = "harness" }` or `{ use = "mt-bench" }`'
    ] = None
    file: Annotated[
        Path | None,
        "items of one's own as JSON Lines: `text`, or every column that is text; `id`, `task`, `answers` where given",
    ] = None
    run: Annotated[
        int,
        Ge(5),
        "so many words of an item in a row are enough; of a script without spaces, twice as many pairs",
    ] = 13
    question: Annotated[
        float,
        Gt(0),
        Le(1),
        "share of a question that is enough; of one with many telling words less, down to 0.7 of it",
    ] = 0.85
    together: Annotated[
        float, Gt(0), Le(1), "share of a question and its answers that is enough, by weight"
    ] = 0.36
    answers: Annotated[float, Ge(0), Le(1), "and of the answers alone"] = 0.3
    density: Annotated[
        float,
        Ge(0),
        Le(1),
        "and of the words there, small ones aside, the item's share; with `together`'s at least 0.78",
    ] = 0.33
    words: Annotated[
        int, Ge(1), "a question of fewer telling words must stand there as it is, a text of fewer words alone"
    ] = 5

    def __post_init__(self) -> None:
        if self.against is None and self.file is None:
            raise ConfigError(
                "nothing to compare with: neither `against` nor `file` is set",
                hint='set against = { use = "harness" }, or file to your own items',
            )
        if self.against is not None and not hasattr(self.against, "items"):
            raise ConfigError(
                f"`against`: {type(self.against).__name__} does not tell what it asks (it has no `items`)",
                hint="take harness or mt-bench, or set `file`",
            )

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:  # noqa: ARG002 - the seam's names
        """One verdict per item, with the segment that has most of what was found."""
        if not batch:
            return []
        index = self._index(pack)
        return [self._judge(item, index) for item in batch]

    def _judge(self, item: Translation, index: Index) -> Verdict:
        match = index.find(item.target.texts)
        if match is None:
            return Verdict(keep=True)
        segment, span = _place(item, match, index)
        name = f"{match.item.task} item {match.item.id}"
        reason = f"contamination: {name}: {match.how}: {' '.join(match.item.text.split())[:80]!r}"
        return Verdict(keep=False, reason=reason, score=round(match.share, 4), segment=segment, span=span)

    def _index(self, pack: LanguagePack) -> Index:
        if pack not in self._indexes:
            self._indexes.clear()
            index = index_of(self._items(pack), self, pack.language)
            if not len(index):
                raise ConfigError(
                    "contamination: there is no item to look for",
                    hint="name tasks of the evaluator in `against`, or set `file` to a file that has rows with text",
                )
            self._indexes[pack] = index
        return self._indexes[pack]

    def _items(self, pack: LanguagePack) -> Iterator[Item]:
        evaluator: Any = self.against
        if evaluator is not None:
            yield from evaluator.items(pack)
        if self.file is not None:
            for number, row in read_rows(self.file):
                yield _item(row, self.file, number)

    @cached_property
    def _indexes(self) -> dict[LanguagePack, Index]:
        return {}


def index_of(items: Iterable[Item], settings: Contamination, language: Language) -> Index:
    """What looks for items in texts of a language."""
    limits = Limits(
        run=settings.run,
        question=settings.question,
        together=settings.together,
        answers=settings.answers,
        density=settings.density,
        words=settings.words,
    )
    return Index(items, limits, _small_words(language))


def _item(row: Any, path: Path, number: int) -> Item:
    """An item of one's own."""
    if not isinstance(row, dict):
        raise DataError(f"{path}, line {number}: a row is an object", hint="one JSON object per line")
    columns = (
        [row["text"]] if isinstance(row.get("text"), str) else [v for k, v in row.items() if k not in _NAMES]
    )
    text = "\n".join(one for one in columns if isinstance(one, str))
    answers = row.get("answers") or row.get("choices") or ()
    answers = [answers] if isinstance(answers, str) else answers
    if not text.strip() or not isinstance(answers, list | tuple):
        raise DataError(
            f"{path}, line {number}: no text",
            hint="give every row `text`, and `answers` as a list or not at all",
        )
    told = tuple(one for one in answers if isinstance(one, str))
    return Item(
        task=str(row.get("task") or path.name), id=str(row.get("id") or number), text=text, answers=told
    )


def _small_words(language: Language) -> list[str]:
    return str(read_toml(DATA / "small_words.toml").get(lists(language.code), "")).split()


def _place(item: Translation, match: Match, index: Index) -> tuple[int | None, tuple[int, int] | None]:
    """The segment that repeats most of the item, and where the item's own text stands in it, letter for letter."""
    if not item.pairs:
        return None, None
    shares = [index.share(match.item, pair.target) for pair in item.pairs]
    segment = max(range(len(shares)), key=shares.__getitem__)
    at = item.pairs[segment].target.find(match.item.text)
    return segment, (at, at + len(match.item.text)) if at >= 0 else None
