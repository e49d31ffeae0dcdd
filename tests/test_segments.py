import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langadapt.errors import ConfigError
from langadapt.segments import Damage, Document
from langadapt.segments.spans import hide, prose, show

PARTS = [
    "Hello there", "# Title", "- item one", "1. Do this", "> quoted `x = 1` here", "| a | b |", "|---|:-:|", "| 1 | two |",
    "```python\nprint('hi')\n```", "~~~\n```\nno\n~~~", "   ```\n  unclosed", "see https://a.org/b_(c)?d=e&f#g.", "mail me@x.org now",
    "**bold** and {name} and %s", "", "   ", "\t", "***", "123 456", "<b>fat</b> text", "[link](http://x.y 'z') there", "$$a_b$$ sums",
]  # fmt: skip
documents = st.lists(st.sampled_from(PARTS), max_size=12).flatmap(
    lambda parts: st.sampled_from(["\n", "\r\n", "\n\n"]).map(lambda end: end.join(parts))
)


@given(st.one_of(documents, st.text(max_size=200)))
@settings(max_examples=400)
def test_identity_gives_the_same_bytes(text):
    document = Document(text)
    assert document.assemble(document.segments) == text


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
        ("red | green\n--- | ---\nbig | 3\nafter\n", ("red", "green", "big", "after")),
        ("> | one | 2 |\n> |---|---|\n> | two | 3 |", ("one", "two")),
        ("```\n* ```\nstill code\n```\nafter", ("after",)),
        ("`ls`", ()),
        ("2024", ()),
        ("```\nsecret words\n```\nafter", ("after",)),
        ("````\n```\nstill code\n```\n````\nafter", ("after",)),
        ("- step:\n  ~~~sh\n  rm -rf x\n  ~~~\n- next", ("step:", "next")),
        ("never closed:\n```\nall code", ("never closed:",)),
        ("a 5 < 6 > 4 b", ("a 5 < 6 > 4 b",)),
        ("Use <br/> and <|end|> here", ("Use <x1> and <x2> here",)),
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
        ("| a | b |\n|---|---|", ["a | x", "b"]),
        ("Go on.", ["- Weiter."]),
        ("Go on.", ["Weiter auf https://evil.example."]),
        ("Go on.", ["```"]),
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


def test_hide_and_show_are_inverse_and_prose_is_free_of_spans():
    line = "Write to me@x.org, or {name}, see www.x.org."
    hidden, spans = hide(line)
    assert show(hidden, spans) == line
    assert "@" not in prose(line)


def test_an_unknown_mode_is_named():
    with pytest.raises(ConfigError, match="paragraph"):
        _ = Document("a", "paragraph").segments
