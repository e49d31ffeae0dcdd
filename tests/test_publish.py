"""What of a run goes to the Hub: exactly what is shown, checked, with cards that the Hub's own libraries read."""

import json

import pyarrow.parquet as pq
import pytest
import small_run as made
from click.testing import CliRunner
from huggingface_hub import DatasetCard, ModelCard

from langadapt import registry
from langadapt.cli import cli
from langadapt.errors import ConfigError, DataError
from langadapt.prepare.selection import is_held_out
from langadapt.publish import bundles, rows
from langadapt.recipe import read_recipe
from langadapt.records import read_rows
from langadapt.runner import Run

KEY = made.KEY
pytestmark = pytest.mark.usefixtures("no_keys")


@pytest.fixture
def folder(tmp_path, scripted):
    return made.build(tmp_path / "run", scripted)


def bundled(folder, *, data=True, model="", changes=()):
    pack = registry.pack("de")
    with Run(folder) as run:
        recipe = read_recipe("mini", pack, changes=changes)
        return bundles(run, recipe, pack, repository="me/chat-de", data=data, model=model)


def invoke(*words):
    return CliRunner().invoke(cli, ["publish", *map(str, words)], standalone_mode=False)


def read(bundle, path):
    return next(file.place for file in bundle.files if file.path == path)


def kept(folder, stream):
    return [row for _, row in read_rows(folder / "filter" / stream / "kept.jsonl")]


def test_a_dry_run_shows_what_is_there_and_asks_nobody(folder, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    done = invoke(folder, "--to", "me/chat-de", "--json")
    told = json.loads(done.output)
    assert told["sent"] == 0
    data, model = told["repositories"]
    assert (data["type"], data["id"], data["private"]) == ("dataset", "me/chat-de", True)
    assert [file["path"] for file in data["files"]] == [
        "README.md",
        *(
            f"data/{stream}/{split}-00000-of-00001.parquet"
            for stream in ("sft", "dpo")
            for split in ("train", "test")
        ),
    ]
    assert [file["path"] for file in model["files"]] == [
        "README.md", "chat_template.jinja", "config.json", "model.safetensors", "tokenizer.json",
    ]  # fmt: skip
    for listed, bundle in zip((data, model), bundled(folder), strict=True):
        assert {file["path"]: file["bytes"] for file in listed["files"]} == {
            file.path: len(file.place.read_bytes()) for file in bundle.files
        }
    assert "Nothing was sent" in invoke(folder).output
    assert "demonstration" in invoke(folder).output


def test_one_thing_alone(folder):
    assert [one.kind for one in bundled(folder, model=None)] == ["dataset"]
    (model,) = bundled(folder, data=False, model="dpo")
    assert model.kind == "model"
    assert "--data and --model" in str(invoke(folder, "--data", "--model", "dpo").exception)
    with pytest.raises(ConfigError, match="no trainer is called 'sfft'"):
        bundled(folder, model="sfft")


def test_the_rows_are_those_that_passed_in_the_splits_of_training(folder):
    (data,) = bundled(folder, model=None)
    for stream in ("sft", "dpo"):
        for split in ("train", "test"):
            table = pq.read_table(read(data, f"data/{stream}/{split}-00000-of-00001.parquet")).to_pylist()
            wanted = [
                row for row in kept(folder, stream) if is_held_out(row["id"], 0.15) == (split == "test")
            ]
            assert wanted
            assert [row["id"] for row in table] == [str(row["id"]) for row in wanted]
            for row, before in zip(table, wanted, strict=True):
                assert (row["source"], row["license"]) == (before["source"], before["license"])
                assert row["origin"]["row"] == str(before["origin"]["row"])
                if stream == "sft":
                    assert row["messages"] == before["messages"]
                    assert row["origin"]["path"] == "some-org/talks"
                else:
                    assert (row["prompt"], row["chosen_rating"], row["chosen_model"]) == (
                        before["prompt"],
                        4.5,
                        "m",
                    )
                    assert row["origin"]["path"] == "pairs.jsonl"
                    assert json.loads(row["extra"]) == {"note": {"at": "/home"}}


def test_the_card_finds_its_files(folder, tmp_path):
    """What the card's metadata promises is what `datasets` loads."""
    from datasets import get_dataset_config_names, load_dataset

    (data,) = bundled(folder, model=None)
    there = tmp_path / "there"
    for file in data.files:
        (there / file.path).parent.mkdir(parents=True, exist_ok=True)
        (there / file.path).write_bytes(file.place.read_bytes())
    assert get_dataset_config_names(str(there)) == ["sft", "dpo"]
    for stream in ("sft", "dpo"):
        loaded = load_dataset(str(there), stream, cache_dir=str(tmp_path / "cache"))
        assert {split: len(some) for split, some in loaded.items()} == {
            "train": sum(not is_held_out(row["id"], 0.15) for row in kept(folder, stream)),
            "test": sum(is_held_out(row["id"], 0.15) for row in kept(folder, stream)),
        }


def test_the_cards_are_the_hubs(folder):
    data, model = bundled(folder)
    card = DatasetCard.load(data.card)
    assert DatasetCard(str(card)).data.to_dict() == card.data.to_dict()
    assert card.data.license == ["mit", "other"]
    assert card.data.size_categories == ["n<1K"]
    assert "| talks | \u2013 | MIT | 27 | 0 |" in card.text
    about = ModelCard.load(model.card)
    assert about.data.datasets[0] == "me/chat-de"
    assert about.data.tags == ["langadapt", "demonstration", "sft", "dpo"]
    sft = ModelCard.load(_of(folder, "sft").card)
    assert sft.data.tags == ["langadapt", "demonstration", "sft"]


def _of(folder, slot):
    for name in made.EVALUATORS:
        with Run(folder) as run, run.step(f"evaluate/{slot}/{name}", settings={}) as step:
            step.path("scores.json").write_text("[]", encoding="utf-8")
    return bundled(folder, data=False, model=slot)[0]


def test_the_same_run_gives_the_same_bytes(folder, tmp_path, scripted):
    other = made.build(tmp_path / "other" / "run", scripted)
    for one, two in zip(
        bundled(folder, model=None)[0].files[1:], bundled(other, model=None)[0].files[1:], strict=True
    ):
        assert one.place.read_bytes() == two.place.read_bytes()


def test_large_streams_go_into_several_files(folder, monkeypatch):
    monkeypatch.setattr(rows, "PER_FILE", 5)
    monkeypatch.setattr(rows, "_BATCH", 3)
    (data,) = bundled(folder, model=None)
    parts = [file for file in data.files if file.path.startswith("data/sft/train")]
    assert len(parts) == 6
    assert [file.path for file in parts] == [f"data/sft/train-{n:05d}-of-00006.parquet" for n in range(6)]
    ids = [row["id"] for file in parts for row in pq.read_table(file.place).to_pylist()]
    assert ids == [str(row["id"]) for row in kept(folder, "sft") if not is_held_out(row["id"], 0.15)]


def test_rows_of_text_and_of_messages_become_messages(tmp_path, scripted):
    turns = {
        side: [{"role": role, "content": "Hi.", "name": "x"}]
        for side, role in (("prompt", "user"), ("chosen", "assistant"), ("rejected", "assistant"))
    }
    streams = {"sft": made.rows()["sft"], "dpo": [*made.rows()["dpo"], made.pair("chat", 99, **turns)]}
    (data,) = bundled(made.build(tmp_path / "run", scripted, made=streams), model=None)
    table = [
        row for file in data.files if "/dpo/" in file.path for row in pq.read_table(file.place).to_pylist()
    ]
    assert table[0]["prompt"] == [{"role": "user", "content": table[0]["prompt"][0]["content"]}]
    assert table[0]["chosen"][0]["role"] == "assistant"
    (chat,) = [row for row in table if row["id"] == "chat"]
    assert json.loads(chat["extra"])["turns"]["prompt"] == [{"name": "x"}]


@pytest.mark.parametrize("step", ["prepare", "filter/dpo", "train/sft", "evaluate/dpo/probes"])
def test_an_unfinished_run_is_refused(folder, step):
    (folder / step / "manifest.json").unlink()
    with pytest.raises(DataError, match=f"is not finished: {step}"):
        bundled(folder)


def test_a_data_set_needs_no_training(folder):
    (folder / "train" / "sft" / "manifest.json").unlink()
    assert bundled(folder, model=None)


@pytest.mark.parametrize(
    "license_id", ["", "CC-BY-ND-4.0", "LicenseRef-whatever", "MIT AND LicenseRef-unknown"]
)
def test_rows_that_nobody_may_hand_on_stay_here(tmp_path, scripted, license_id):
    folder = made.build(tmp_path / "run", scripted, license_id=license_id)
    with pytest.raises(DataError, match=f"27 rows under {license_id or 'no licence'}") as error:
        bundled(folder)
    assert error.value.exit_code == 4
    assert error.value.hint
    assert bundled(folder, data=False)


def test_rows_that_are_not_for_commerce_are_told(tmp_path, scripted):
    folder = made.build(tmp_path / "run", scripted, license_id="CC-BY-NC-4.0")
    (data,) = bundled(folder, model=None)
    assert "27 rows are not for commercial use" in data.notes
    assert "cc-by-nc-4.0" in data.licenses


def test_a_key_of_ones_own_leaves_in_no_row(tmp_path, scripted, monkeypatch):
    streams = {**made.rows(), "sft": [*made.rows()["sft"], made.talk("mine", 99, secret="OPEN-sesame-123")]}
    folder = made.build(tmp_path / "run", scripted, made=streams)
    bundled(folder, model=None)
    monkeypatch.setenv("SOME_API_KEY", "OPEN-sesame-123")
    with pytest.raises(DataError, match=r"kept.jsonl, line 28: the row holds a key of yours"):
        bundled(folder, model=None)


def test_what_looks_like_a_key_in_a_row_is_told(tmp_path, scripted):
    streams = {
        **made.rows(),
        "sft": [*made.rows()["sft"], made.talk("odd", 99, language="de", text=f"Key {KEY}")],
    }
    (data,) = bundled(made.build(tmp_path / "run", scripted, made=streams), model=None)
    assert any("odd" in note for note in data.notes)


@pytest.mark.parametrize(
    ("title", "message"), [(KEY, "holds a key"), ("{home}/x y", "names a folder of this machine")]
)
def test_a_card_holds_no_key_and_no_place(folder, tmp_path, monkeypatch, title, message):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DataError, match=message):
        bundled(folder, changes=[f"title={title.format(home=tmp_path)}"])


def test_only_what_runs_no_code_goes_and_no_place_of_this_machine(folder):
    (model,) = bundled(folder, data=False)
    paths = [file.path for file in model.files]
    assert not {"training_args.bin", "vocab.txt"} & set(paths)
    assert any("training_args.bin" in note and "vocab.txt" in note for note in model.notes)
    assert json.loads(read(model, "config.json").read_text()) == {"_name_or_path": "dpo", "vocab_size": 3}
    assert model.card.read_text(encoding="utf-8") != "what the library wrote"
    weights = folder / "train" / "dpo" / "model" / "model.safetensors"
    weights.rename(weights.with_name("pytorch_model.bin"))
    with pytest.raises(DataError, match=r"no \.safetensors weights"):
        bundled(folder, data=False)


def test_an_adapter_of_a_model_that_lies_here_is_refused(folder):
    config = folder / "train" / "dpo" / "model" / "adapter_config.json"
    config.write_text(json.dumps({"base_model_name_or_path": "org/base"}))
    assert bundled(folder, data=False)
    config.write_text(json.dumps({"base_model_name_or_path": str(folder / "train" / "sft" / "model")}))
    with pytest.raises(DataError, match="adapter"):
        bundled(folder, data=False)


@pytest.mark.parametrize("name", ["chat", "a/b/c", "me/../you", "me/chat de", "-x/y", "me/"])
def test_names_that_the_hub_does_not_take(folder, name):
    done = invoke(folder, "--to", name)
    assert isinstance(done.exception, ConfigError)
    assert done.exception.hint
