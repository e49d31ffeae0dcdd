"""What must not leave with a model or with rows: notes, keys, folders of any machine, names of private files."""

import json

import pytest
import small_run as made

from langadapt import registry
from langadapt.errors import DataError
from langadapt.publish import bundles, rows
from langadapt.recipe import read_recipe
from langadapt.records import record_from_row
from langadapt.runner import Run

KEY = made.KEY
pytestmark = pytest.mark.usefixtures("no_keys")


@pytest.fixture
def folder(tmp_path, scripted):
    return made.build(tmp_path / "run", scripted)


def bundled(folder, *, data=True, model=""):
    pack = registry.pack("de")
    with Run(folder) as run:
        return bundles(run, read_recipe("mini", pack), pack, repository="me/chat-de", data=data, model=model)


def read(bundle, path):
    return next(file.place for file in bundle.files if file.path == path)


@pytest.mark.parametrize("name", ["notes.txt", "keys.json", "trainer_state.json", "merges.txt/../x.txt"])
def test_notes_beside_a_model_stay_here(folder, name):
    path = folder / "train" / "dpo" / "model" / name.split("/")[-1]
    path.write_text(f"a key {KEY} at /home/other/base")
    (model,) = bundled(folder, data=False)
    assert path.name not in [file.path for file in model.files]
    assert any(path.name in note for note in model.notes)


@pytest.mark.parametrize(
    "name",
    ["merges.txt", "tokenizer.json", "vocab.json", "config.json", "tokenizer.model", "chat_template.jinja"],
)
def test_a_key_beside_a_model_is_found_in_every_text(folder, name):
    path = folder / "train" / "dpo" / "model" / name
    path.write_text(json.dumps({"x": f"so {KEY}"}))
    with pytest.raises(DataError, match=f"{name} holds a key"):
        bundled(folder, data=False)


def test_no_folder_of_any_machine_stands_in_a_configuration(folder):
    told = {
        "base": "file:///root/models/base", "other": "/home/other/base", "said": "from /home/other/my-base, now", "win": "C:\\Users\\me\\base",
        "blank": "/home/some one/the base", "hub": "org/model", "url": "https://host.test/a/b", "chat_template": "{{ '/a/b/c' }}", "token": "/think",
        "templates": [{"template": "{{ a }}/b/c"}],
    }  # fmt: skip
    (folder / "train" / "dpo" / "model" / "config.json").write_text(json.dumps(told))
    (model,) = bundled(folder, data=False)
    assert json.loads(read(model, "config.json").read_text()) == {
        **told, "base": "base", "other": "base", "said": "from my-base, now", "win": "base", "blank": "the base",
    }  # fmt: skip


@pytest.mark.parametrize("base", ["file:///root/base", "/elsewhere/of/others/base"])
def test_an_adapter_of_a_base_on_any_disk_is_refused(folder, base):
    config = folder / "train" / "dpo" / "model" / "adapter_config.json"
    config.write_text(json.dumps({"base_model_name_or_path": base}))
    with pytest.raises(DataError, match="adapter"):
        bundled(folder, data=False)


@pytest.mark.parametrize(
    ("origin", "path", "revision"),
    [
        ({"path": "org/data", "revision": "refs/pr/3"}, "org/data", "refs/pr/3"),
        ({"path": "data", "revision": "c0ffee"}, "data", "c0ffee"),
        ({"path": "private/mine.jsonl", "revision": None}, "mine.jsonl", None),
        ({"path": "../private/mine", "revision": "file:///home/me/x"}, "mine", "x"),
        ({"path": "file:///home/me/rows.jsonl", "revision": "/home/me/rows"}, "rows.jsonl", "rows"),
        ({"path": "https://user:key@host.test/rows.jsonl?k=1"}, "rows.jsonl", None),
    ],
)
def test_of_an_origin_that_is_none_of_the_hub_the_name_is_left(origin, path, revision):
    record = record_from_row({**made.talk("x", 1), "origin": {**origin, "row": 3}})
    told = rows.as_columns(record, chat=True)["origin"]
    assert told == {"path": path, "revision": revision, "row": "3"}


def test_a_relative_folder_that_is_here_is_no_name_of_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clients" / "acme").mkdir(parents=True)
    record = record_from_row({**made.talk("x", 1), "origin": {"path": "clients/acme", "row": 3}})
    assert rows.as_columns(record, chat=True)["origin"]["path"] == "acme"


def test_ids_that_read_alike_are_told(tmp_path, scripted):
    streams = {**made.rows(), "sft": [*made.rows()["sft"], made.talk("9", 99)]}
    (data,) = bundled(made.build(tmp_path / "run", scripted, made=streams), model=None)
    assert "ids stand in more than one row, such as 9" in data.notes
