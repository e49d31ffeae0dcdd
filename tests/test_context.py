"""Segments that bring along those before them: what a translator sees, what is remembered, who is refused."""

import json
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import pytest

from langadapt import stages, translating
from langadapt.errors import ConfigError
from langadapt.interfaces import SPEED, Hypothesis
from langadapt.languages import Language, LanguagePack
from langadapt.memory import Remembering, TranslationMemory
from langadapt.pipeline import Pipeline
from langadapt.progress import Silent
from langadapt.recipe import read_recipe
from langadapt.retry import Retry
from langadapt.runner import Run
from langadapt.translating import How, check_context
from langadapt.translations import Paths

EN, DE = Language.of("en"), Language.of("de")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Says how many lines stood before each text, and keeps what it saw."""

    output_version: ClassVar[int] = 1
    deterministic: ClassVar[bool] = True
    reads: bool = True
    seen: Annotated[list[tuple[str, str]], SPEED] = field(default_factory=list, compare=False, hash=False)

    def check_context(self):
        if not self.reads:
            raise ConfigError("reads no context")

    def translate(self, texts, *, source, target):
        for index, one in enumerate(texts):
            self.seen.append((one.text, one.context))
            yield index, Hypothesis(text=f"{one.text} {len(one.context.splitlines())}")

    def close(self):
        pass


@pytest.fixture
def run(tmp_path):
    def translate(texts, translator, context):
        rows = [
            {"id": str(n), "messages": [{"role": "user", "content": t} for t in said]}
            for n, said in enumerate(texts)
        ]
        (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        out = Paths.beside(tmp_path / "out.jsonl")
        told = stages.translate(
            tmp_path / "in.jsonl", out, translator, languages=(EN, DE), mode="markdown", progress=Silent(), how=How(context=context)
        )  # fmt: skip
        lines = out.rows.read_text(encoding="utf-8").splitlines()
        return told, [[turn["content"] for turn in json.loads(line)["messages"]] for line in lines]

    return translate


def test_the_segments_before_one_in_its_own_text_come_along_as_they_stand_there(run):
    reading = Reading()
    _, rows = run([["# One\n\nTwo `x y`.\n\nThree.\n\nFour.", "Five."]], reading, 2)
    assert reading.seen == [
        ("One", ""),
        ("Two <x1>.", "One"),
        ("Three.", "One\nTwo `x y`."),
        ("Four.", "Two `x y`.\nThree."),
        ("Five.", ""),
    ]
    assert rows == [["# One 0\n\nTwo `x y`. 1\n\nThree. 2\n\nFour. 2", "Five. 0"]]


def test_equal_texts_after_others_are_asked_for_by_themselves(run):
    reading = Reading()
    told, rows = run([["Ann.\n\nIt."], ["Bob.\n\nIt."], ["Ann.\n\nIt."]], reading, 1)
    assert sorted(reading.seen) == [("Ann.", ""), ("Bob.", ""), ("It.", "Ann."), ("It.", "Bob.")]
    assert (told["segments"], told["unique"]) == (6, 4)
    assert rows == [["Ann. 0\n\nIt. 1"], ["Bob. 0\n\nIt. 1"], ["Ann. 0\n\nIt. 1"]]
    without = Reading()
    told, _ = run([["Ann.\n\nIt."], ["Bob.\n\nIt."]], without, 0)
    assert sorted(without.seen) == [("Ann.", ""), ("Bob.", ""), ("It.", "")]


def test_windows_change_nothing(run, monkeypatch):
    texts = [[f"{one}.\n\nIt.\n\nThat."] for one in ("Ann", "Bob", "Eve", "Ann", "Bob")]
    _, whole = run(texts, Reading(), 1)
    monkeypatch.setattr(translating, "WINDOW", 2)
    assert run(texts, Reading(), 1)[1] == whole


def test_the_memory_keeps_a_text_for_each_context(run, tmp_path):
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    reading = Reading()
    whole = Remembering(inner=Retry(inner=reading, memory=memory), memory=memory)
    texts = [["Ann.\n\nIt."], ["Bob.\n\nIt."]]
    for context, asked in ((1, 4), (1, 4), (0, 5), (2, 5)):
        run(texts, whole, context)
        assert len(reading.seen) == asked
    memory.close()


@pytest.mark.parametrize(
    ("reads", "why"), [(False, "reads no context"), (None, "does not say that it reads any")]
)
def test_a_translator_that_reads_none_is_refused_before_anything_is_written(
    run, scripted, tmp_path, reads, why
):
    inner = scripted() if reads is None else Reading(reads=False)
    wrapped = Remembering(inner=Retry(inner=inner), memory=TranslationMemory(tmp_path / "m.sqlite"))
    with pytest.raises(ConfigError, match=why):
        run([["Ann."]], wrapped, 2)
    assert not (tmp_path / "out.jsonl").exists()
    check_context(wrapped, 0)


def test_a_run_is_refused_before_its_first_stage(tmp_path):
    pack = LanguagePack.bare("de")
    recipe = read_recipe("phoenix", pack, changes=["translate.context=2"])
    assert recipe.translate.options["context"] == 2
    with pytest.raises(ConfigError, match="reads no context"):
        Pipeline(Run(tmp_path), recipe, pack, {"translate": Reading(reads=False)}, Silent())


@pytest.mark.parametrize("value", ["-1", "true", "1.5", '"two"'])
def test_a_context_that_is_no_number_of_segments_is_refused(value):
    with pytest.raises(ConfigError, match=r"translate\.context") as caught:
        read_recipe("phoenix", LanguagePack.bare("de"), changes=[f"translate.context={value}"])
    assert "segments" in caught.value.hint
