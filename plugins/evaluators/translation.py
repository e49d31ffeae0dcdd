"""How well a checkpoint, or a translation engine, translates a parallel text: BLEU, chrF and TER by sacrebleu, COMET beside."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from langadapt.errors import ConfigError
from langadapt.identity import component_identity
from langadapt.interfaces import (
    LIMIT,
    SPEED,
    Checkpoint,
    Loads,
    ModelRef,
    Progress,
    Score,
    Segment,
    Translator,
)
from langadapt.languages import Language, LanguagePack
from langadapt.models import Family, families
from langadapt.models.wording import LANGUAGE, changes, wording
from langadapt.records import Row, write_rows
from langadapt.statistics import mean_interval
from langadapt_plugins.evaluators.answers import answered, stamp
from langadapt_plugins.evaluators.parallel import Pair, read_pairs
from langadapt_plugins.evaluators.translation_scores import METRICS, Metric, listed
from langadapt_plugins.filters.comet import Comet
from langadapt_plugins.generation import ChatModel, Prompt, Turn, short_hash
from langadapt_plugins.translators.prompts import joined

_FAMILY = "instruct"
"""The family whose prompt asks any model that is tuned for chat; its words are the pack's where it has some."""


@dataclass(frozen=True, kw_only=True)
class Translation(Loads):
    """BLEU, chrF and others of translations of a parallel file, as sacrebleu counts and signs them; COMET by a model of its own.

    The checkpoint is asked in its chat template by the prompt that engines ask chat models by (the pack's `[translate]`, or ours),
    greedily; white space around its answer goes, nothing else. With `translator` that engine translates instead, and the
    checkpoint is a name: so engines are compared. What was not finished counts as it is, empty where there is nothing.
    Intervals of the whole text are those of sacrebleu's bootstrap; means over segments (`sentence-...`) are what `compare` tests.
    """

    requires: ClassVar[tuple[str, ...]] = ("sacrebleu", "torch", "transformers")
    pairs: Annotated[
        Path, "parallel file: TSV, JSON Lines, or the text file in the other language beside `references`"
    ]
    references: Annotated[Path | None, "text file in the pack's language, a line for each of `pairs`"] = None
    other: Annotated[str, "code of the other language"] = "en"
    direction: Annotated[
        Literal["into", "out-of", "both"], "into the pack's language, out of it, or both"
    ] = "into"
    translator: Annotated[Translator | None, "an engine that translates instead of the checkpoint"] = None
    metrics: Annotated[tuple[str, ...], f"some of {', '.join(METRICS)}"] = ("BLEU", "chrF")
    tokenizer: Annotated[
        str,
        "sacrebleu's tokenizer for BLEU; empty: that of the language translated into. flores200 is downloaded at first",
    ] = ""
    comet: Annotated[ModelRef | None, "a COMET model: a Hub id, or a folder with its `checkpoints`"] = None
    python: Annotated[Path | None, "the Python of an environment that holds unbabel-comet", SPEED] = None
    gpus: Annotated[int, Ge(0), "accelerators that COMET may use; 0 is the CPU", SPEED] = 0
    max_new_tokens: Annotated[int, Ge(1), "most tokens of a translation", LIMIT] = 512
    batch_size: Annotated[
        int, Ge(1), "texts translated at once; in half precision another size may turn a near-tie"
    ] = 8
    dtype: Annotated[str, "number type of the weights; `auto` is the checkpoint's own"] = "auto"

    def __post_init__(self) -> None:
        unknown = [name for name in self.metrics if name not in METRICS]
        if unknown or not self.metrics:
            raise ConfigError(f"`metrics` has {unknown}", hint=f"some of {', '.join(METRICS)}")
        if (self.comet is None) != (self.python is None):
            raise ConfigError(
                "`comet` and `python` belong together",
                hint="name the model and the Python that holds unbabel-comet",
            )

    def check(self, pack: LanguagePack) -> None:
        """Refuse files, tokenizers and a Python for COMET that cannot be used, before any work is done."""
        self._pairs(pack)
        for _, _, target in self._ways(pack):
            for metric in self._metrics(target, pack):
                metric.check()
        if self._comet:
            self._comet.version  # noqa: B018 - raises where there is none

    @property
    def known(self) -> dict[str, str]:
        """The version of COMET in the other environment."""
        return {"unbabel-comet": self._comet.version} if self._comet else {}

    def evaluate(
        self,
        checkpoint: Checkpoint,
        *,
        pack: LanguagePack,
        output: Path,
        limit: int | None,
        seed: int,  # noqa: ARG002 - nothing is drawn
        progress: Progress,
    ) -> list[Score]:
        """Translate (`SOURCE-TARGET.jsonl`: source, reference, output), count, and keep each segment's scores (`values.jsonl`)."""
        self.check(pack)
        scores: list[Score] = []
        values: list[Mapping[str, Any]] = []
        facts: dict[str, Any] = {}
        for name, source, target in self._ways(pack):
            every = self._pairs(pack)
            if source.code == pack.language.code:
                every = [replace(pair, source=pair.target, target=pair.source) for pair in every]
            pairs = every[:limit]
            rows, how = self._translated(
                checkpoint, pairs, (source, target), pack, output / f"{name}.jsonl", progress
            )
            unfinished = sum(row["finish"] != "stop" for row in rows)
            facts[name] = {
                "pairs": len(rows),
                "unfinished": unfinished,
                "empty": sum(not row["output"] for row in rows),
            }
            asked = f"pairs:{short_hash([(pair.source, pair.target) for pair in every])}|by:{how}|limit:{limit or 'all'}"
            task = f"translation-{name}"
            ids = [pair.id for pair in pairs]
            for metric in self._metrics(target, pack):
                outputs, references = [row["output"] for row in rows], [pair.target for pair in pairs]
                found, parts = metric.scores(outputs, references, task=task, asked=asked)
                scores += found
                values += listed(f"sentence-{metric.name}", task, ids, parts)
            if self._comet:
                told = list(
                    self._comet.scores(
                        [
                            (pair.source, row["output"], pair.target)
                            for pair, row in zip(pairs, rows, strict=True)
                        ]
                    )
                )
                scores.append(self._comet_score(task, told, asked))
                values += listed("COMET", task, ids, told)
            if unfinished:
                progress.say(f"  {name}: {unfinished} of {len(rows)} translations were not finished")
        write_rows(output / "values.jsonl", values)
        (output / "facts.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
        return scores

    def solutions(self, pack: LanguagePack, *, limit: int | None, seed: int) -> list[tuple[list[Turn], str]]:  # noqa: ARG002 - the seam's names
        """The prompt for each pair, with its reference."""
        return [
            (self._asked(source, target, pack, pair.source), pair.target)
            for name, source, target in self._ways(pack)
            for pair in self._pairs(pack)[:limit]
            if not name.startswith(f"{pack.language.code}-")
        ]

    def close(self) -> None:
        """End the worker of COMET, and close the engine."""
        if comet := self.__dict__.get("_comet"):
            comet.close()
        super().close()

    def _translated(
        self,
        checkpoint: Checkpoint,
        pairs: Sequence[Pair],
        way: tuple[Language, Language],
        pack: LanguagePack,
        path: Path,
        progress: Progress,
    ) -> tuple[list[Row], str]:
        """A row for each pair, and how they came about, for the signature."""
        rows = [{"id": pair.id, "source": pair.source, "reference": pair.target} for pair in pairs]
        if self.translator:
            return self._by_engine(self.translator, rows, way, path, progress)
        prompts = [self._asked(*way, pack, pair.source) for pair in pairs]

        def answer(model: ChatModel, batch: range) -> list[Row]:
            asked = [_fitting(model, prompts[index]) for index in batch]
            replies = model.replies(
                [Prompt(messages=one) for one in asked], max_new_tokens=self.max_new_tokens
            )
            return [
                {**rows[index], "output": reply.text, "finish": reply.finish}
                for index, reply in zip(batch, replies, strict=True)
            ]

        how = [stamp(checkpoint), self.max_new_tokens, self.batch_size, self.dtype]
        marks = [short_hash([how, row, prompt]) for row, prompt in zip(rows, prompts, strict=True)]
        found = answered(
            checkpoint, self.dtype, marks, answer, batch_size=self.batch_size, path=path, progress=progress
        )
        facts = [
            found[0]["model"].replace("|", " "),
            f"max_new_tokens:{self.max_new_tokens}",
            f"batch:{self.batch_size}",
        ]
        return found, " ".join([f"prompt {short_hash(self._asked(*way, pack, chr(0)))}", *facts])

    def _by_engine(
        self,
        engine: Translator,
        rows: Sequence[Row],
        way: tuple[Language, Language],
        path: Path,
        progress: Progress,
    ) -> tuple[list[Row], str]:
        found: list[Row] = [dict(row) for row in rows]
        segments = [Segment(text=row["source"]) for row in rows]
        with progress.task(f"translations {path.stem}", len(rows)) as task:
            for index, told in engine.translate(segments, source=way[0], target=way[1]):
                found[index] |= {"output": told.text.strip(), "finish": told.finish}
                task.advance()
        write_rows(path, found)
        return found, f"engine {short_hash(component_identity(engine, 'memory'))}"

    def _asked(self, source: Language, target: Language, pack: LanguagePack, text: str) -> list[Turn]:
        family: Family = families()[_FAMILY]
        words = wording(pack)
        if words and words[LANGUAGE] == target.code.partition("-")[0]:
            family = replace(family, **changes(words))
        return list(family.messages(text, source, target))

    def _ways(self, pack: LanguagePack) -> list[tuple[str, Language, Language]]:
        """Name, source and target of each direction."""
        own, other = pack.language, Language.of(self.other)
        if own.code == other.code:
            raise ConfigError(
                f"`other` is {self.other}, the pack's own language", hint="--set other=CODE names another"
            )
        into, out = (f"{other.code}-{own.code}", other, own), (f"{own.code}-{other.code}", own, other)
        return {"into": [into], "out-of": [out], "both": [into, out]}[self.direction]

    def _pairs(self, pack: LanguagePack) -> list[Pair]:
        codes = [
            (code.lower(), code.lower().partition("-")[0])
            for code in (Language.of(self.other).code, pack.language.code)
        ]
        return read_pairs(self.pairs, self.references, (("source", *codes[0]), ("target", *codes[1])))

    def _metrics(self, target: Language, pack: LanguagePack) -> list[Metric]:
        usual = pack.bleu_tokenizer if target.code == pack.language.code else target.bleu_tokenizer
        return [Metric(name=name, tokenizer=self.tokenizer or usual) for name in self.metrics]

    @cached_property
    def _comet(self) -> Comet | None:
        if not self.comet or not self.python:
            return None
        return Comet(
            name="translation", setting="evaluate.translation", model=self.comet, python=self.python, batch_size=16,
            gpus=self.gpus, references=True,
        )  # fmt: skip

    def _comet_score(self, task: str, told: Sequence[float], asked: str) -> Score:
        version = self._comet.version if self._comet else ""
        return Score(
            task=task, metric="COMET", value=sum(told) / len(told), n=len(told), interval=mean_interval(told), higher_is_better=True,
            signature=f"COMET|model:{str(self.comet).replace('|', ' ')}|version:{version}|{asked}",
        )  # fmt: skip


def _fitting(model: ChatModel, prompt: Sequence[Turn]) -> Sequence[Turn]:
    """The prompt, its system message said by the user where the chat template takes none."""
    try:
        model.length(prompt)
    except ConfigError:
        return joined([dict(turn) for turn in prompt])
    return prompt
