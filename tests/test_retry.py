from contextlib import closing

from langadapt.holdings import Unit, correct
from langadapt.interfaces import Hypothesis, Segment
from langadapt.memory import Remembering, TranslationMemory
from langadapt.retry import Retry, _Parts
from langadapt.segments import sentences


def at_most(words):
    def answer(text):
        if len(text.split()) > words:
            return Hypothesis(text="", finish="too-long", reason="too many words")
        return Hypothesis(text=text.upper(), tokens_in=2, tokens_out=3)

    return answer


def test_what_is_too_long_goes_by_sentence(scripted, english, german):
    text = "One two three. Four five six?  Seven eight."
    inner = scripted(answer=at_most(3))
    heard = dict(
        Retry(inner=inner).translate(
            [Segment(text=text), Segment(text="short")], source=english, target=german
        )
    )
    assert heard[0].text == "ONE TWO THREE. FOUR FIVE SIX?  SEVEN EIGHT."
    assert heard[0].finished
    assert (heard[0].tokens_in, heard[0].tokens_out) == (6, 9)
    assert heard[1].text == "SHORT"


def test_a_bounded_number_of_times_then_it_says_so(scripted, english, german):
    inner = scripted(answer=at_most(2))
    texts = ["One two three. Four.", "no sentence end in all of this"]
    heard = dict(
        Retry(inner=inner).translate([Segment(text=text) for text in texts], source=english, target=german)
    )
    assert [heard[index].finish for index in (0, 1)] == ["too-long", "too-long"]
    assert not heard[0].text
    assert [heard[index].reason for index in (0, 1)] == ["too many words"] * 2
    assert len(inner.asked) == 4


def test_a_lost_placeholder_is_retried_around_the_span(scripted, english, german):
    inner = scripted(answer=str.upper)
    text = "First do it. Then use <x1> to open <x2>."
    heard = dict(Retry(inner=inner).translate([Segment(text=text)], source=english, target=german))
    assert heard[0].text == "FIRST DO IT. THEN USE <x1> TO OPEN <x2>."
    assert heard[0].finished
    assert heard[0].tries == 3
    assert inner.asked == [text, "Then use <x1> to open <x2>.", "First do it.", "to open", "Then use"]
    assert heard[0].tokens_out == 5


def test_a_link_stays_with_its_text(scripted, english, german):
    answers = {"See [this]<x1> now.": "Siehe <x1> [dies] jetzt."}
    inner = scripted(answer=lambda text: answers.get(text, text.upper()))
    heard = dict(
        Retry(inner=inner).translate([Segment(text="See [this]<x1> now.")], source=english, target=german)
    )
    assert heard[0].text == "SEE [THIS]<x1> NOW."


def test_several_lines_for_one_are_no_translation(scripted, english, german):
    inner = scripted(answer=lambda text: f"Sure!\n{text}")
    heard = dict(Retry(inner=inner).translate([Segment(text="Go on.")], source=english, target=german))
    assert heard[0].finish == "error"
    assert heard[0].reason.startswith("lines: ")
    assert inner.asked == ["Go on."]


def test_equal_parts_are_sent_and_paid_for_once(scripted, english, german):
    texts = ["Two words. Two words. And more.", "Two words. Other ones."]
    inner = scripted(answer=at_most(2))
    heard = dict(
        Retry(inner=inner).translate([Segment(text=text) for text in texts], source=english, target=german)
    )
    assert [heard[index].text for index in (0, 1)] == [text.upper() for text in texts]
    assert sorted(inner.asked) == sorted([*texts, "Two words.", "And more.", "Other ones."])
    assert sum(one.tokens_out for one in heard.values()) == 3 * 3


def test_parts_are_looked_up_in_the_memory_and_remembered(scripted, english, german, tmp_path):
    inner = scripted(answer=at_most(2))

    def hear(memory, text):
        translator = Remembering(inner=Retry(inner=inner, memory=memory), memory=memory)
        return dict(translator.translate([Segment(text=text)], source=english, target=german))[0]

    with closing(TranslationMemory(tmp_path / "memory")) as memory:
        mended = [Unit(source="Two words.", target="Zwei Wörter.")]
        correct(memory, mended, source="en", target="de", judge=list)
        assert hear(memory, "Two words. And more.").text == "Zwei Wörter. AND MORE."
        again = hear(memory, "Two words.  And more. Other ones.")
        assert (again.text, again.tries) == ("Zwei Wörter.  AND MORE. OTHER ONES.", 2)
        assert (again.tokens_in, again.tokens_out) == (2, 3)
        assert hear(memory, "And more.").origin == "memory"
        assert hear(memory, "Two words. And more.").origin == "memory"
    assert inner.asked == [
        "Two words. And more.", "And more.", "Two words.  And more. Other ones.", "Other ones.",
    ]  # fmt: skip


def test_which_parts_hold_words_is_found_out_once():
    parts = _Parts(Hypothesis(text=""), ["One. ", "2. ", "<x1> "])
    assert parts.to_send is parts.to_send == [0]


def test_what_failed_and_holds_no_words_comes_back_as_it_failed(scripted, english, german):
    inner = scripted(answer=lambda _: Hypothesis(text="", finish="length"))
    heard = dict(
        Retry(inner=inner).translate([Segment(text="<x1> 1. <x2> 2.")], source=english, target=german)
    )
    assert heard[0].finish == "length"


def test_sentences_join_to_the_text():
    for text in ("Dr. Smith came at 3 p.m.  He left.\tFine!", "One line\nanother line. And\n\nmore", "", " "):
        assert "".join(sentences(text, "en")) == text
