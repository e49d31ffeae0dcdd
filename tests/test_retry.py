from langadapt.interfaces import Hypothesis, Segment
from langadapt.retry import Retry, sentences


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
    assert "a sentence of it" in heard[0].reason
    assert len(inner.asked) == 4


def test_sentences_join_to_the_text(english):
    for text in ("Dr. Smith came at 3 p.m.  He left.\tFine!", "One line\nanother line. And\n\nmore", "", " "):
        assert "".join(sentences(text, english)) == text
