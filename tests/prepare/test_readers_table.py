"""The language of readers.toml: what it says, and every mistake in it."""

import pytest

from langadapt.errors import ConfigError, DataError
from langadapt.prepare.tables import read_readers


def table(folder, text):
    path = folder / "readers.toml"
    path.write_text(text, encoding="utf-8")
    return read_readers(path)


def test_joins_roles_and_names(tmp_path):
    reader = table(
        tmp_path,
        '[reader.own]\nmessages = [{ system = "rules?" }, { user = ["a", "b?", "c?"] }, { assistant = "d" }]\n'
        'rename = { e = "f" }\ndrop = ["g"]\nhas = ["h"]\n',
    )["own"]
    row = {"a": "A", "b": " ", "c": "C", "d": "D", "e": 1, "g": 2, "h": 3, "i": 4}
    assert reader.fits(row)
    assert reader.uses(row) == set("abcdegh")
    assert reader.mapped(row, "here") == {
        "messages": [{"role": "user", "content": "A\n\nC"}, {"role": "assistant", "content": "D"}], "f": 1, "h": 3, "i": 4,
    }  # fmt: skip
    assert reader.mapped({**row, "rules": "Be."}, "here")["messages"][0] == {
        "role": "system",
        "content": "Be.",
    }
    del row["h"]
    assert not reader.fits(row)
    with pytest.raises(DataError, match="here: the reader 'own' needs the column 'h'"):
        reader.mapped(row, "here")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[reader.a]\n", ["reader.a: must hold one of"]),
        ('[reader.a]\ntext = "t"\nas-is = [["x"]]\n', ["reader.a: must hold one of"]),
        ('[reader.a]\nprompt = [{ user = "p" }]\nchosen = [{ assistant = "c" }]\n', ["reader.a: must hold one of"]),
        ('[reader.a]\nas-is = [["x"]]\ndrop = ["y"]\n', ["reader.a: `as-is` changes no columns"]),
        ('[reader.a]\nmessages = { list = "x", same = "y" }\n', ["reader.a: messages.same: goes with take"]),
        ('[reader.a]\nmessages = [{ bot = "x" }]\n', ["reader.a.messages.turns.0.bot.[key]: Input should be 'system'"]),
        ('[reader.a]\nmessages = [{ user = "x", assistant = "y" }]\n', ["reader.a.messages.turns.0: Dictionary should have at most 1"]),
        ('[reader.a]\nmessages = { list = "x", roles = { human = "person" } }\n', ["reader.a.messages.list.roles.human: Input should be"]),
        ('[reader.a]\nmessages = { role = "x", tak = "all" }\n', ["reader.a.messages.list.list: missing", "reader.a.messages.list.tak: unknown key"]),
        ('[reader.a]\ntxt = "t"\n[reader.b]\ntext = 3\n', ["reader.a.txt: unknown key", "reader.b.text: Input should be a valid string"]),
        ('[reader.a]\nrated = { prompt = "x" }\n', ["reader.a.rated.answers: missing", "reader.a.rated.rating: missing"]),
        ("[readers.a]\n", ["reader: missing", "readers: unknown key"]),
    ],
)  # fmt: skip
def test_every_mistake_is_told_with_its_key(tmp_path, text, told):
    with pytest.raises(ConfigError) as caught:
        table(tmp_path, text)
    lines = str(caught.value)
    assert lines.startswith(str(tmp_path / "readers.toml"))
    for line in told:
        assert line in lines
    assert caught.value.hint
