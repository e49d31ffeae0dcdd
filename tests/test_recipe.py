import pytest

from langadapt import registry
from langadapt.errors import ConfigError
from langadapt.recipe import explained, read_recipe, recipe_names

MINIMAL = """
title = "mine"
needs = "cpu"
[source.own]
path = "rows.jsonl"
stream = "sft"
[translate]
use = "transformers"
"""


@pytest.fixture(scope="module")
def pack():
    return registry.pack("de")


def test_every_shipped_recipe_is_read(pack):
    names = recipe_names(pack)
    assert {"phoenix", "mini"} <= set(names)
    for name in names:
        recipe = read_recipe(name, pack)
        assert recipe.sources
        assert recipe.evaluate


def test_phoenix_has_the_values_of_the_paper(pack):
    values = {key: value for key, (value, _) in explained(read_recipe("phoenix", pack), pack).items()}
    wanted = {
        "train.sft.batch_size": "512", "train.sft.scheduler": "'cosine'", "train.sft.packing": "True",
        "train.sft.max_length": "2048", "train.dpo.batch_size": "64", "train.dpo.scheduler": "'linear'",
        "train.dpo.epochs": "1.0", "translate.segmentation": "'newline'", "filter.tokens.at_most": "2048",
        "translate.model": "'haoranxu/ALMA-7B'", "base": "'LeoLM/leo-mistral-hessianai-7b'",
    }  # fmt: skip
    assert {key: values[key] for key in wanted} == wanted


def test_mini_has_the_stages_and_components_of_phoenix(pack):
    phoenix, mini = read_recipe("phoenix", pack), read_recipe("mini", pack)
    for slots in ("filters", "train"):
        assert [slot.use for slot in getattr(mini, slots)] == [slot.use for slot in getattr(phoenix, slots)]
    assert {slot.use for slot in phoenix.evaluate} <= {slot.use for slot in mini.evaluate}
    assert [source.stream for source in mini.sources] == [source.stream for source in phoenix.sources]
    assert mini.demonstration
    assert not phoenix.demonstration


def test_layers_in_order(pack, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "phoenix"\n[settings.trainer.trl-dpo]\nbeta = 0.3\nmax_length = 99\n[train.dpo]\nmax_length = 77\n'
        "[filter]\nlength = false\n[translate]\nuse = 'transformers'\n"
    )
    recipe = read_recipe(
        str(path), pack, changes=["train.dpo.learning_rate=1e-6", "filter.round-trip.at_least=33.0"]
    )
    values = explained(recipe, pack)
    assert values["train.dpo.beta"] == ("0.3", "mine.toml")
    assert values["train.dpo.max_length"] == ("77", "mine.toml")
    assert values["train.dpo.learning_rate"] == ("1e-06", "--set")
    assert values["filter.round-trip.at_least"] == ("33.0", "--set")
    names = [slot.name for slot in recipe.filters]
    assert "length" not in names
    assert names[-3:] == ["language-id", "tokens", "round-trip"]
    assert values["translate.model"] == ("'haoranxu/ALMA-7B'", "pack de")


def test_own_rows_replace_the_sources(pack, tmp_path):
    path = tmp_path / "x.jsonl"
    path.touch()
    own = {"path": str(path), "stream": "sft", "license": "MIT"}
    recipe = read_recipe("phoenix", pack, sources={"own": own})
    assert [source.name for source in recipe.sources] == ["own"]
    assert [slot.name for slot in recipe.train] == ["sft"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (MINIMAL + "[train.sft]\nuse = 'trl-sft'\n[trian.dpo]\n", ["trian: unknown key"]),
        (MINIMAL.replace("path", "pth"), ["source.own.path: missing", "source.own.pth: unknown key"]),
        (MINIMAL.replace('needs = "cpu"', 'needs = "tpu"'), ["tpu"]),
        (MINIMAL + "[prepare]\nheld_out = 'much'\n", ["prepare.held_out"]),
        ("title = = 1", ["line 1"]),
        ('extends = "phoenx"', ["phoenx"]),
    ],
)
def test_mistakes_name_file_and_key(pack, tmp_path, text, parts):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_recipe(str(path), pack)
    for part in parts:
        assert part in str(caught.value)
    assert caught.value.hint


def test_a_recipe_may_not_extend_itself(pack, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(f'extends = "{path}"\n')
    with pytest.raises(ConfigError, match="extends itself"):
        read_recipe(str(path), pack)


@pytest.mark.parametrize("change", ["beta", "=1", "train..beta=1"])
def test_a_change_has_a_key_and_a_value(pack, change):
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        read_recipe("phoenix", pack, changes=[change])


def test_rows_of_one_s_own_can_be_changed_on_the_command_line(pack):
    own = {"path": "rows.jsonl", "stream": "sft", "license": "LicenseRef-own"}
    changes = ["source.own.license=CC-BY-NC-4.0", "source.own.reader=alpaca"]
    (source,) = read_recipe("phoenix", pack, sources={"own": own}, changes=changes).sources
    assert (source.license, source.reader) == ("CC-BY-NC-4.0", "alpaca")
    with pytest.raises(ConfigError, match=r"source\.own\.nonsense"):
        read_recipe("phoenix", pack, sources={"own": own}, changes=["source.own.nonsense=1"])


@pytest.mark.parametrize("stream", ["dropped", "../x", "", "a b", ".hidden"])
def test_a_stream_is_a_name_for_a_file(pack, stream):
    with pytest.raises(ConfigError, match="is no name for a stream"):
        read_recipe("phoenix", pack, sources={"own": {"path": "rows.jsonl", "stream": stream}})
