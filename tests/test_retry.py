from langadapt.interfaces import Hypothesis, Segment
from langadapt.retry import Retry
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
    assert "a part of it" in heard[0].reason
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


def test_sentences_join_to_the_text():
    for text in ("Dr. Smith came at 3 p.m.  He left.\tFine!", "One line\nanother line. And\n\nmore", "", " "):
        assert "".join(sentences(text, "en")) == text
