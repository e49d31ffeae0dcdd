"""Filters over many translations: order, workers, rows that a filter chokes on."""

from dataclasses import dataclass

import pytest

from langadapt import judging
from langadapt.interfaces import SegmentPair, Translation, Verdict
from langadapt.judging import Named, judged
from langadapt.languages import LanguagePack
from langadapt.records import Text
from langadapt_plugins.filters.language_id import LanguageId
from langadapt_plugins.filters.length import Length

SENTENCES = [
    ("The train leaves an hour later today because of the storm.", "Der Zug fährt heute wegen des Sturms eine Stunde später ab."),
    ("We read a long book about the history of the city.", "Nous avons lu un long livre sur l'histoire de la ville, et il est très beau."),
    ("Open the window.", "Öffne das Fenster, denn es ist hier drinnen wirklich sehr warm und ich möchte frische Luft haben."),
]  # fmt: skip


def translation(number):
    source, target = SENTENCES[number % 3]
    pair = SegmentPair(source=source, target=f"{target} {number}", text=0)
    return Translation(
        source=Text(id=number, text=source), target=Text(id=number, text=pair.target), pairs=(pair,)
    )


@dataclass(frozen=True, kw_only=True)
class Chokes:
    """A filter with a fault of its own on every row whose id ends in 7."""

    def filter(self, batch, *, source, pack):
        if any(str(item.target.id).endswith("7") for item in batch):
            raise RuntimeError("out of words")
        return [Verdict(keep=True) for _ in batch]

    def close(self):
        pass


@dataclass(frozen=True, kw_only=True)
class Around:
    """A filter that holds another component."""

    inner: object

    def filter(self, batch, *, source, pack):
        assert len(batch) > 200, "given in small pieces"
        return self.inner.filter(batch, source=source, pack=pack)

    def close(self):
        pass


def told(items, filters, english, **settings):
    pack = LanguagePack.bare("de")
    return [
        (one.item.target.id, one.kept, one.verdicts)
        for one in judged(items, filters, source=english, pack=pack, **settings)
    ]


@pytest.mark.slow
def test_one_worker_and_several_say_the_same_in_the_same_order(english):
    items = [translation(number) for number in range(2_400)]
    filters = [Named("language-id", LanguageId(letters=30)), Named("length", Length(slack=0))]
    alone = told(items, filters, english, workers=1)
    assert told(items, filters, english, workers=3) == alone
    assert [key for key, _, _ in alone] == list(range(2_400))
    assert len({kept for _, kept, _ in alone}) == 2


def test_a_row_that_a_filter_chokes_on_is_dropped_and_named_and_the_rest_is_judged(english):
    found = told([translation(number) for number in range(30)], [Named("chokes", Chokes())], english)
    lost = {key: verdicts[-1][1].reason for key, kept, verdicts in found if not kept}
    assert lost == dict.fromkeys((7, 17, 27), "error: chokes failed on it: RuntimeError: out of words")


def test_a_filter_around_another_gets_large_windows_in_its_turn(english, monkeypatch):
    monkeypatch.setattr(judging, "_ROWS", 50)
    items = [translation(number) for number in range(600)]
    filters = [Named("length", Length()), Named("around", Around(inner=Length()))]
    found = told(items, filters, english)
    assert [key for key, _, _ in found] == list(range(600))
    assert {len(verdicts) for _, kept, verdicts in found if kept} == {2}
    assert {len(verdicts) for _, kept, verdicts in found if not kept} == {1}
