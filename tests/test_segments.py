import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langadapt.errors import ConfigError
from langadapt.segments import MODES, Damage, Document, prose

PARTS = [
    "Hello there", "# Title", "- item one", "1. Do this", "> quoted `x = 1` here", "| a | b |", "|---|:-:|", "| 1 | two |",
    "```python\nprint('hi')\n```", "~~~\n```\nno\n~~~", "   ```\n  unclosed", "see https://a.org/b_(c)?d=e&f#g.", "mail me@x.org now",
    "**bold** and {name} and %s", "", "   ", "\t", "***", "123 456", "<b>fat</b> text", "[link](http://x.y 'z') there", "$$a_b$$ sums",
]  # fmt: skip
documents = st.lists(st.sampled_from(PARTS), max_size=12).flatmap(
    lambda parts: st.sampled_from(["\n", "\r\n", "\n\n"]).map(lambda end: end.join(parts))
)


@given(st.one_of(documents, st.text(max_size=200)), st.sampled_from(sorted(MODES)))
@settings(max_examples=400)
def test_identity_gives_the_same_bytes(text, mode):
    document = Document(text, mode)
    assert document.assemble(document.segments) == text
    assert document.assemble([segment + " " for segment in document.segments]) == text
    at, out = 0, []
    for slot in document.slots:
        out += [text[at : slot.start], slot.filled(slot.sent)]
        at = slot.end
    assert "".join([*out, text[at:]]) == text


@given(documents)
def test_protected_text_is_never_sent(text):
    for segment in Document(text).segments:
        for secret in ("print", "https://", "me@x.org", "x = 1", "{name}", "---", "http://x.y", "a_b"):
            assert secret not in segment
        assert "\n" not in segment


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("# Big title", ("Big title",)),
        ("- [x] buy bread", ("buy bread",)),
        ("> 1. Open the door. ", ("Open the door.",)),
        ("| Name | Size |\n| :-- | --: |\n| Box | 12 |", ("Name", "Size", "Box")),
        ("Run `ls -la` and `pwd`.", ("Run <x1> and <x2>.",)),
        ("red | green\n--- | ---\nbig | 3\n\nafter\n", ("red", "green", "big", "after")),
        ("> | one | 2 |\n> |---|---|\n> | two | 3 |", ("one", "two")),
        ("```\n* ```\nstill code\n```\nafter", ("after",)),
        ("`ls`", ()),
        ("2024", ()),
        ("```\nsecret words\n```\nafter", ("after",)),
        ("````\n```\nstill code\n```\n````\nafter", ("after",)),
        ("- step:\n  ~~~sh\n  rm -rf x\n  ~~~\n- next", ("step:", "next")),
        ("never closed:\n```\nall code", ("never closed:",)),
        ("is 5 < 6 > 4 so", ("is 5 < 6 > 4 so",)),
        ("Use <b/> and <|end|> here<br>now", ("Use <x1> and <x2> here", "now")),
    ],
)
def test_what_is_sent(text, segments):
    assert Document(text).segments == segments


@pytest.mark.parametrize(
    ("text", "translations"),
    [
        ("Run `ls` now.", ["Starte jetzt."]),
        ("Run `ls` now.", ["Starte <x1> <x1> jetzt."]),
        ("Run `ls` now.", ["Starte <x2> jetzt."]),
        ("Run it now.", ["Starte `es` jetzt."]),
        ("Run it now.", ["Starte es.\nJetzt."]),
        ("Run it now.", ["Starte <x1>."]),
        ("| one | two |\n|---|---|", ["a | x", "b"]),
        ("Go on.", ["- Weiter."]),
        ("Go on.", ["Weiter auf https://evil.example."]),
        ("Go on.", ["```"]),
        ("Go on.", ["<!-- weiter"]),
        ("Go on.", ["<div"]),
        ("Go on.", ["***"]),
        ("First line.\nSecond line.", ["Eins.", "=="]),
        ("| one | two |\n|---|---|", ["a\\", "b"]),
        ("Take `a` here.", ["Nimm \\<x1> hier."]),
        ("Take `a` here.", ["Nimm `<x1>` hier."]),
        ("Take {a} here.", ["Nimm ${<x1>} hier."]),
        ("Take {a} here.", ["Nimm $<x1> hier."]),
        ("Is it 50% or %s now?", ["Ist es 50%<x1>?"]),
        ("This is <b>bold</b> text.", ["Das ist <x2>fetter<x1> Text."]),
        ("See [one](https://x.org) now.", ["Siehe eins]<x1> jetzt."]),
        ("See ![one](a.png) now.", ["Siehe [eins]<x1> jetzt."]),
        ("**Note:** it is **done** now.", ["*Hinweis:** es ist **fertig**."]),
        ("It costs $5 and then $6 more.", ["$Es kostet 5 und$ 6 mehr."]),
    ],
)
def test_damage_is_found(text, translations):
    with pytest.raises(Damage):
        Document(text).assemble(translations)


def test_spans_may_change_places_but_not_content():
    text = "Replace `a` with `b` at https://x.org/y."
    assert (
        Document(text).assemble(["Ersetze auf <x3> <x1> durch <x2>."])
        == "Ersetze auf https://x.org/y `a` durch `b`."
    )


@pytest.mark.parametrize(
    ("text", "translation", "written"),
    [
        ("Visit https://x.org/y today.", "Besuche <x1>heute.", "Besuche https://x.org/y heute."),
        ("Open a.py and b.txt now.", "Öffne <x1><x2>jetzt.", "Öffne a.py b.txt jetzt."),
        ("Use `a` or `b`.", "Nimm <x1><x2>.", "Nimm `a` `b`."),
        ("Set $HOME now.", "Setze <x1>jetzt.", "Setze $HOME jetzt."),
        ("Use `a` here.", "使用<x1>吧。", "使用`a`吧。"),
    ],
)
def test_a_span_does_not_grow_into_what_touches_it(text, translation, written):
    assert Document(text).assemble([translation]) == written


def test_prose_is_free_of_spans():
    assert prose("Write to me@x.org, or {name}, see www.x.org.").split() == [
        "Write",
        "to",
        ",",
        "or",
        ",",
        "see",
        ".",
    ]


def test_a_wrapped_paragraph_is_one_text_and_its_line_ends_come_back():
    text = "> This sentence is wrapped by hand\r\n> and goes on here.\r\n> Then it ends.\r\n"
    document = Document(text)
    assert document.segments == ("This sentence is wrapped by hand and goes on here.", "Then it ends.")
    done = document.assemble(["Dieser Satz ist von Hand umbrochen und geht hier weiter.", "Dann endet er."])
    assert done == "> Dieser Satz ist von Hand umbrochen\r\n> und geht hier weiter.\r\n> Dann endet er.\r\n"
    assert Document(text, "newline").segments == (
        "This sentence is wrapped by hand", "and goes on here.", "Then it ends.",
    )  # fmt: skip


def test_sentences_are_a_mode():
    assert Document("Go on. Then stop `now`!  Yes.", "sentence").segments == (
        "Go on.",
        "Then stop <x1>!",
        "Yes.",
    )


def test_odd_white_space_is_not_sent_and_comes_back():
    document = Document("One  two\tthree\u00a0four.")
    assert document.segments == ("One two three four.",)
    assert document.assemble(["Eins zwei drei vier."]) == "Eins  zwei\tdrei\u00a0vier."


def test_a_translation_may_begin_with_an_ordinal():
    assert Document("January 1 is a holiday.").assemble(["1. Januar ist frei."]) == "1. Januar ist frei."


def test_an_unknown_mode_is_named():
    with pytest.raises(ConfigError, match="paragraph"):
        _ = Document("a", "paragraph").segments
