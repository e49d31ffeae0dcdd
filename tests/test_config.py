"""Settings to components: strict, every mistake at once, with the origin of each."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest

from langadapt import registry
from langadapt.config import Builder, Layer, leaves, merged
from langadapt.errors import ConfigError
from langadapt.interfaces import ModelRef, Translator
from langadapt.languages import LanguagePack


@dataclass(frozen=True, kw_only=True)
class Example:
    """A filter with a setting of each type."""

    model: Annotated[ModelRef, "a model"]
    translator: Annotated[Translator | None, "a component"] = None
    words: Annotated[Path | None, "a file"] = None
    at_least: Annotated[float, "a number"] = 0.5
    names: Annotated[tuple[str, ...], "a list"] = ()
    more: Annotated[dict[str, int], "a table"] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.at_least < 0:
            raise ValueError("at_least must not be below 0")


@pytest.fixture
def builder(tmp_path, monkeypatch):
    found = registry.Found("filter", "example", "tests", "1", "x:y")
    real = registry.find
    monkeypatch.setattr(registry, "find", lambda kind, name: found if name == "example" else real(kind, name))
    real_load = registry.load
    monkeypatch.setattr(
        registry, "load", lambda item, *, needed: Example if item is found else real_load(item, needed=needed)
    )
    (tmp_path / "model").mkdir()
    (tmp_path / "words.txt").write_text("a")
    pack = LanguagePack(LanguagePack.bare("de").language, tmp_path)
    return Builder(pack, {"base": "org/base"})


def build(builder, table, folder):
    return builder.build("filter", "example", leaves(table, Layer("file.toml", folder)), "filter.example")


def test_every_kind_of_setting(builder, tmp_path):
    made = build(
        builder,
        {"model": "pack:model", "words": "words.txt", "at_least": 1, "names": ["a", "b"], "more": {"x": 1}},
        tmp_path,
    )
    assert made == Example(
        model=ModelRef(str(tmp_path / "model")),
        words=tmp_path / "words.txt",
        at_least=1.0,
        names=("a", "b"),
        more={"x": 1},
    )
    assert build(builder, {"model": "recipe:base"}, tmp_path).model == ModelRef("org/base")
    assert build(builder, {"model": "org/name@abc"}, tmp_path).model == ModelRef("org/name", "abc")


def test_every_mistake_at_once_with_key_and_file(builder, tmp_path):
    with pytest.raises(ConfigError) as caught:
        build(
            builder,
            {"model": "pack:missing", "at_leest": 1, "names": "a", "translator": {"use": "transformrs"}},
            tmp_path,
        )
    said = str(caught.value)
    assert "4 mistakes" in said
    for part in (
        "pack:missing",
        "at_leest: unknown key (file.toml); did you mean 'at_least'?",
        "filter.example.names",
        "transformrs",
    ):
        assert part in said


def test_what_is_missing_and_what_a_component_refuses(builder, tmp_path):
    with pytest.raises(ConfigError, match=r"filter.example.model: missing"):
        build(builder, {}, tmp_path)
    with pytest.raises(ConfigError, match="must not be below 0"):
        build(builder, {"model": "pack:model", "at_least": -1.0}, tmp_path)
    with pytest.raises(ConfigError, match="outside the pack"):
        build(builder, {"model": "pack:../model"}, tmp_path)


def test_a_nested_component_is_built_and_wrapped(builder, tmp_path):
    made = build(
        builder,
        {
            "model": "pack:model",
            "translator": {"use": "transformers", "model": "pack:model", "family": "alma"},
        },
        tmp_path,
    )
    assert made.translator.inner.model == ModelRef(str(tmp_path / "model"))
    with pytest.raises(ConfigError, match=r"filter.example.translator.beems"):
        build(
            builder,
            {"model": "pack:model", "translator": {"use": "transformers", "model": "m", "beems": 2}},
            tmp_path,
        )


def test_merging_replaces_another_component_and_removes():
    layer = Layer("x", Path())
    low = leaves({"a": {"use": "one", "beams": 2}, "b": {"k": 1}}, layer)
    high = leaves({"a": {"use": "two"}, "b": False}, layer)
    out = merged(low, high)
    assert set(out["a"]) == {"use"}
    assert out["b"].value is False
