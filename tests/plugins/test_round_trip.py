"""The round-trip gate, with a scripted engine on the way back and sacrebleu's own scores beside it."""

from dataclasses import replace

import pytest
import sacrebleu

from langadapt.errors import ConfigError
from langadapt.interfaces import Hypothesis, SegmentPair, Translation
from langadapt.languages import Language, LanguagePack
from langadapt.records import Text
from langadapt_plugins.filters.round_trip import RoundTrip

PACK = LanguagePack.bare("de")
SOURCE = "The small dog sleeps under the old table."
GERMAN = "Der kleine Hund schläft unter dem alten Tisch."
NEAR = "The little dog sleeps under the old table."
FAR = "A big cat is running over a new roof, I think."


def paired(*pairs, translated=True):
    segments = tuple(SegmentPair(source=a, target=b, text=0) for a, b in pairs)
    source, target = (Text(id="1", text="\n".join(side)) for side in zip(*pairs, strict=True))
    return Translation(source=source, target=target, pairs=segments, translated=translated)


def bleu(hypothesis, reference):
    return sacrebleu.sentence_bleu(hypothesis, [reference], use_effective_order=True).score


@pytest.fixture
def ask(scripted, english):
    """Verdicts on items, and what the back-translator was asked; it answers from a table."""

    def run(items, answers, **settings):
        inner = scripted(answer=answers.__getitem__)
        gate = RoundTrip(translator=inner, **settings)
        return gate.filter(items, source=english, pack=PACK), inner.asked

    return run


def test_good_is_kept_and_bad_is_dropped_by_sacrebleus_own_score(ask):
    items = [paired((SOURCE, GERMAN)), paired((SOURCE, "Eine große Katze."))]
    (good, bad), _ = ask(items, {GERMAN: NEAR, "Eine große Katze.": FAR})
    assert bleu(NEAR, SOURCE) > 20 > bleu(FAR, SOURCE)
    assert (good.keep, good.score) == (True, round(bleu(NEAR, SOURCE), 2))
    assert (bad.keep, bad.score, bad.segment) == (False, round(bleu(FAR, SOURCE), 2), 0)
    assert FAR in bad.reason
    assert f"eff:yes|tok:13a|smooth:exp|version:{sacrebleu.__version__}" in bad.reason


def test_effective_order_counts_where_a_segment_is_short(ask):
    source, back = "Come home now please", "Come home now"
    (verdict,), _ = ask([paired((source, "Komm nach Hause"))], {"Komm nach Hause": back})
    plain = sacrebleu.sentence_bleu(back, [source], use_effective_order=False).score
    assert verdict.score == round(bleu(back, source), 2) != round(plain, 2)


def test_the_limit_is_a_score_that_is_still_kept(ask):
    score = round(bleu(NEAR, SOURCE), 2)
    for at_least, keep in ((score, True), (score + 0.01, False)):
        assert ask([paired((SOURCE, GERMAN))], {GERMAN: NEAR}, at_least=at_least)[0][0].keep is keep


def test_the_worst_segment_counts(ask):
    item = paired((SOURCE, GERMAN), (SOURCE, "Schlecht."), (SOURCE, "Gut genug."))
    (verdict,), _ = ask([item], {GERMAN: SOURCE, "Schlecht.": FAR, "Gut genug.": NEAR})
    assert (verdict.keep, verdict.segment, verdict.score) == (False, 1, round(bleu(FAR, SOURCE), 2))
    (verdict,), _ = ask([item], {GERMAN: SOURCE, "Schlecht.": NEAR, "Gut genug.": SOURCE})
    assert (verdict.keep, verdict.segment, verdict.score) == (True, 1, round(bleu(NEAR, SOURCE), 2))


@pytest.mark.parametrize("copy", [SOURCE, SOURCE.upper(), f"  {SOURCE.rstrip('.')} !"])
def test_a_copy_is_dropped_although_it_would_come_back_unchanged(ask, copy):
    item = paired((SOURCE, GERMAN), (SOURCE, copy))
    (verdict,), asked = ask([item], {GERMAN: SOURCE, copy: SOURCE})
    assert (verdict.keep, verdict.segment, verdict.score) == (False, 1, 0.0)
    assert verdict.reason == "round trip: left as it was"
    assert not asked


def test_a_name_that_stays_as_it_is_is_no_copy(ask):
    (verdict,), _ = ask([paired(("Johann Sebastian Bach", "Johann Sebastian Bach"))], {})
    assert verdict.keep


@pytest.mark.parametrize(
    ("answer", "said"),
    [(Hypothesis(text=SOURCE, finish="length"), "length"), (Hypothesis(text="", finish="error", reason="no memory"), "no memory")],
)  # fmt: skip
def test_a_way_back_that_did_not_end_says_so(ask, answer, said):
    (verdict,), _ = ask([paired((SOURCE, GERMAN))], {GERMAN: answer})
    assert (verdict.keep, verdict.reason, verdict.segment) == (False, f"back-translation: {said}", 0)


def test_an_empty_way_back_scores_nothing(ask):
    (verdict,), _ = ask([paired((SOURCE, GERMAN))], {GERMAN: ""})
    assert (verdict.keep, verdict.score) == (False, 0.0)


def test_each_distinct_target_is_sent_once_from_the_target_to_the_source_language(scripted, english, german):
    heard = []

    class Listening(scripted):
        def translate(self, texts, *, source, target):
            heard.append((source, target))
            return super().translate(texts, source=source, target=target)

    inner = Listening(answer={GERMAN: SOURCE, "Anders gesagt.": SOURCE}.__getitem__)
    items = [
        paired((SOURCE, GERMAN), (SOURCE, "Anders gesagt.")),
        paired((SOURCE, GERMAN)),
        paired((SOURCE, GERMAN)),
    ]
    verdicts = RoundTrip(translator=inner).filter(items, source=english, pack=PACK)
    assert sorted(inner.asked) == ["Anders gesagt.", GERMAN]
    assert heard == [(german, english)]
    assert [verdict.keep for verdict in verdicts] == [True] * 3


def test_a_short_segment_is_neither_sent_nor_judged(ask):
    items = [paired(("Not at all!", "Gar nicht!")), paired(("Not at all!", "Gar nicht!"), (SOURCE, GERMAN))]
    verdicts, asked = ask(items, {GERMAN: NEAR})
    assert asked == [GERMAN]
    assert [verdict.keep for verdict in verdicts] == [True, True]
    assert verdicts[1].segment == 1


def test_a_row_that_was_not_translated_is_kept_and_not_sent(ask):
    items = [paired((SOURCE, SOURCE), translated=False), paired((SOURCE, GERMAN))]
    verdicts, asked = ask(items, {GERMAN: FAR})
    assert [verdict.keep for verdict in verdicts] == [True, False]
    assert asked == [GERMAN]


def test_the_verdict_does_not_depend_on_the_batch(ask):
    answers = {GERMAN: NEAR, "Katze.": FAR}
    items = [
        paired((SOURCE, GERMAN)),
        paired((SOURCE, "Katze.")),
        paired((SOURCE, SOURCE)),
        paired((SOURCE, GERMAN)),
    ]
    together, _ = ask(items, answers)
    assert together == [ask([one], answers)[0][0] for one in items]


def test_chrf_may_be_the_metric_and_both_are_told(ask):
    item = paired((SOURCE, GERMAN))
    chrf = round(sacrebleu.sentence_chrf(FAR, [SOURCE]).score, 2)
    (verdict,), _ = ask([item], {GERMAN: FAR}, metric="chrf", at_least=chrf + 1)
    assert (verdict.keep, verdict.score) == (False, chrf)
    assert f"chrf {chrf:.0f}, chrf below {chrf + 1:.0f}" in verdict.reason
    assert "chrF2" in verdict.reason or "nc:6" in verdict.reason
    with pytest.raises(ConfigError, match="ter"):
        ask([item], {GERMAN: FAR}, metric="ter")


def test_longer_segments_may_have_limits_of_their_own(ask):
    score = round(bleu(NEAR, SOURCE), 2)
    item = paired((SOURCE, GERMAN))
    for bands, keep in (
        ({"8": score + 1}, False),
        ({"9": score + 1}, True),
        ({"5": 0.0, "8": score + 1}, False),
    ):
        assert ask([item], {GERMAN: NEAR}, bands=bands)[0][0].keep is keep
    with pytest.raises(ConfigError, match="long"):
        ask([item], {GERMAN: NEAR}, bands={"long": 1.0})


def test_a_sample_is_drawn_by_id_whatever_the_order(ask):
    items = [replace(paired((SOURCE, GERMAN)), source=Text(id=str(n), text=SOURCE)) for n in range(200)]
    found, _ = ask(items, {GERMAN: FAR}, sample=0.3)
    dropped = [n for n, verdict in enumerate(found) if not verdict.keep]
    assert 35 < len(dropped) < 85
    again, _ = ask(items[::-1], {GERMAN: FAR}, sample=0.3)
    assert [verdict.keep for verdict in again[::-1]] == [verdict.keep for verdict in found]


def test_the_tokenizer_is_that_of_the_sources_script(scripted):
    source, back = "小狗在旧桌子下面睡觉。", "小狗在桌子下面睡觉。"
    gate = RoundTrip(translator=scripted(answer={"x": back}.__getitem__), words=1)
    (verdict,) = gate.filter([paired((source, "x"))], source=Language.of("zh-Hans"), pack=PACK)
    expected = sacrebleu.sentence_bleu(back, [source], tokenize="zh", use_effective_order=True).score
    assert verdict.score == round(expected, 2)
