"""Answers the pack's probes, which the report shows side by side, and says how many are in the right language."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from langadapt.interfaces import LIMIT, Checkpoint, Loads, Progress, Score
from langadapt.languages import LanguagePack
from langadapt.records import Row, write_rows
from langadapt.statistics import mean_interval
from langadapt_plugins.evaluators.answers import answered, stamp
from langadapt_plugins.generation import ChatModel, Prompt, Turn, short_hash

_LEAST_LETTERS = 20
# langdetect's name where it is not the code's own.
_SAME = {"nb": "no", "nn": "no", "fil": "tl", "iw": "he"}


@dataclass(frozen=True, kw_only=True)
class Probes(Loads):
    """The likeliest answer to each of the pack's probes; the share of answers in the target language, by langdetect."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    max_new_tokens: Annotated[int, "most tokens of an answer", LIMIT] = 256
    batch_size: Annotated[
        int, "probes answered at once; in half precision another size may turn a near-tie"
    ] = 8
    dtype: Annotated[str, "number type of the weights; `auto` is the checkpoint's own"] = "auto"

    def evaluate(
        self,
        checkpoint: Checkpoint,
        *,
        pack: LanguagePack,
        output: Path,
        limit: int | None,
        seed: int,
        progress: Progress,
    ) -> list[Score]:
        """Answer (`answers.jsonl`), judge each (`values.jsonl`) and count (`facts.json`); no score where no answer has a language to tell."""
        probes = pack.probes[:limit]
        rows = self._answers(checkpoint, probes, output, progress) if probes else []
        languages = [_language(row["answer"], seed) for row in rows]
        told = zip(rows, languages, strict=True) if _target(pack) in _known() else ()
        judged = {row["id"]: float(name == _target(pack)) for row, name in told if name}
        values = list(judged.values())
        facts = {"answers": len(rows), "abstained": len(rows) - len(values), "languages": languages}
        output.mkdir(parents=True, exist_ok=True)
        (output / "facts.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
        shared = {"metric": "answers-in-language"}
        write_rows(
            output / "values.jsonl", ({"id": key, **shared, "value": value} for key, value in judged.items())
        )
        if not values:
            return []
        sizes = (
            f"max_new_tokens:{self.max_new_tokens}|batch:{self.batch_size}|limit:{limit or 'all'}|seed:{seed}"
        )
        asked = f"probes:{short_hash(probes)}|detector:langdetect|abstained:{facts['abstained']}"
        return [
            Score(
                task="probes",
                metric="answers-in-language",
                value=sum(values) / len(values),
                n=len(values),
                interval=mean_interval(values),
                higher_is_better=True,
                signature=f"probes|{asked}|{rows[0]['model']}|{sizes}",
            )
        ]

    def solutions(self, pack: LanguagePack, *, limit: int | None, seed: int) -> list[tuple[list[Turn], str]]:  # noqa: ARG002 - the seam's names
        """Every probe with an answer in its language: its own words."""
        return [([{"role": "user", "content": row["prompt"]}], row["prompt"]) for row in pack.probes[:limit]]

    def _answers(
        self, checkpoint: Checkpoint, probes: Sequence[Row], output: Path, progress: Progress
    ) -> list[Row]:
        def answer(model: ChatModel, batch: range) -> list[Row]:
            asked = [probes[index] for index in batch]
            prompts = [Prompt(messages=[{"role": "user", "content": probe["prompt"]}]) for probe in asked]
            replies = model.replies(prompts, max_new_tokens=self.max_new_tokens)
            return [
                {"id": probe["id"], "prompt": probe["prompt"], "answer": reply.text, "finish": reply.finish}
                for probe, reply in zip(asked, replies, strict=True)
            ]

        how = [stamp(checkpoint), self.max_new_tokens, self.batch_size, self.dtype]
        return answered(
            checkpoint,
            self.dtype,
            [short_hash([how, probe["id"], probe["prompt"]]) for probe in probes],
            answer,
            batch_size=self.batch_size,
            path=output / "answers.jsonl",
            progress=progress,
        )


def _target(pack: LanguagePack) -> str:
    code = pack.language.code.split("-")[0]
    return _SAME.get(code, code)


def _known() -> set[str]:
    from langdetect import detector_factory

    detector_factory.init_factory()
    return {name.split("-")[0] for name in detector_factory._factory.get_lang_list()}  # noqa: SLF001 - the loaded profiles


def _language(text: str, seed: int) -> str | None:
    """The language without its region; None for a text that is too short to tell."""
    from langdetect import LangDetectException, detector_factory

    if sum(map(str.isalpha, text)) < _LEAST_LETTERS:
        return None
    detector_factory.init_factory()
    detector = detector_factory._factory.create()  # noqa: SLF001 - `detect` of the library draws unseeded
    detector.seed = seed
    detector.append(text)
    try:
        return str(detector.detect()).split("-")[0]
    except LangDetectException:
        return None
