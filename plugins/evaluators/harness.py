"""Benchmarks through EleutherAI's lm-evaluation-harness."""

import io
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, ClassVar, Literal

from langadapt.errors import ConfigError
from langadapt.interfaces import SPEED, Checkpoint, Item, Loads, Progress, Resolved, Score
from langadapt.languages import LanguagePack
from langadapt.progress import Silent
from langadapt.records import Row, write_rows
from langadapt.statistics import mean_interval
from langadapt_plugins.evaluators.benchmarks import default_tasks, task_names
from langadapt_plugins.evaluators.items import items
from langadapt_plugins.evaluators.lm_eval_solutions import solutions
from langadapt_plugins.evaluators.tasks import strangers, task_manager
from langadapt_plugins.generation import chat_template, load_model, load_tokenizer, short_hash

_NORMAL_95 = 1.959964
_RESAMPLES = 100  # as many as lm-eval takes for BLEU; none would drop the standard errors of means too, one divides by 0
# What lm-eval says to everyone who hands it a loaded model.
_EXPECTED = ("`pretrained` model kwarg is not of type", "Passed an already-initialized model")


@dataclass(frozen=True, kw_only=True)
class Harness(Loads):
    """lm-eval's tasks, and those of the pack's `tasks/` folder, with lm-eval's own scoring."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "transformers", "lm_eval")
    resolves: ClassVar[Mapping[str, Callable[[LanguagePack], Resolved]]] = {"tasks": default_tasks}
    tasks: Annotated[
        tuple[str, ...], "names as in lm-eval, or files of the pack's tasks/ folder without .yaml"
    ]
    num_fewshot: Annotated[int | None, "worked examples before each question; unset: as each task says"] = (
        None
    )
    engine: Annotated[
        Literal["shared", "hf"],
        "`shared` reads what questions and choices begin with once; `hf` is lm-eval's own model, which gives the same numbers",
        SPEED,
    ] = "shared"
    batch_size: Annotated[int, "answers generated, and with `hf` continuations scored, at once", SPEED] = 8
    dtype: Annotated[str, "number type of the weights; `auto` is the checkpoint's own"] = "auto"
    apply_chat_template: Annotated[bool, "ask in the chat template instead of as plain text"] = False
    max_length: Annotated[
        int | None, "most tokens of a question with its answer; unset: what the model takes"
    ] = None

    def check(self, pack: LanguagePack) -> None:
        """Refuse a task that neither the pack nor lm-eval has."""
        others = strangers(pack.path("tasks"), self.tasks)
        if others and not others <= task_names():
            task_manager(pack.path("tasks"), self.tasks)

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
        """Score every task; per-item values go to `samples.jsonl`, and each task's n, chance and shots to `tasks.json`."""
        if not self.tasks:
            raise ConfigError("harness.tasks is empty", hint="name tasks of lm-eval or of the pack")
        output.mkdir(parents=True, exist_ok=True)
        with _quiet(output / "lm-eval.log", progress):
            manager, names = task_manager(pack.path("tasks"), self.tasks)
            loaded = self._load_tasks(manager, names, seed)
            results, dtype, template = self._run(checkpoint, loaded, limit, seed, progress)
            chances = {
                name: _chance(task, results["samples"][name]) for name, task in loaded["tasks"].items()
            }
        samples = {name: [_sample(name, row) for row in rows] for name, rows in results["samples"].items()}
        write_rows(output / "samples.jsonl", (row for rows in samples.values() for row in rows))
        facts = _facts(results, loaded["groups"], chances)
        (output / "tasks.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
        ending = f"chat:{template}|dtype:{dtype}|limit:{limit or 'all'}|seed:{seed}|batch:{self.batch_size}"
        if self.max_length:
            ending += f"|max_length:{self.max_length}"
        return _scores(results, facts, samples, ending)

    def solutions(self, pack: LanguagePack, *, limit: int | None, seed: int) -> list[tuple[Any, str]]:
        """The prompts of the tasks as a model reads them, and the answers that score best."""
        with TemporaryDirectory() as folder, _quiet(Path(folder, "lm-eval.log"), Silent()):
            manager, names = task_manager(pack.path("tasks"), self.tasks)
            tasks = self._load_tasks(manager, names, seed)["tasks"]
            return solutions(tasks, limit, chat=self.apply_chat_template)

    def items(self, pack: LanguagePack) -> list[Item]:
        """What the tasks ask, as lm-eval writes it, less instructions and examples."""
        with TemporaryDirectory() as folder, _quiet(Path(folder, "lm-eval.log"), Silent()):
            manager, names = task_manager(pack.path("tasks"), self.tasks)
            return list(items(self._load_tasks(manager, names, seed=0)["tasks"]))

    def _load_tasks(self, manager: Any, names: Sequence[str], seed: int) -> Any:
        """What lm-eval's `simple_evaluate` does to tasks; the rest of it calls git and pip."""
        loaded = manager.load(list(dict.fromkeys(names)))
        for task in loaded["tasks"].values():
            shots = task.get_config("num_fewshot")
            if shots is None or (self.num_fewshot is not None and shots != 0):
                task.set_config(key="num_fewshot", value=self.num_fewshot or 0)
            task.set_fewshot_seed(seed=seed)
        return loaded

    def _run(
        self, checkpoint: Checkpoint, loaded: Any, limit: int | None, seed: int, progress: Progress
    ) -> tuple[Any, str, str]:
        """lm-eval's results, the number type that was used, and which chat template."""
        from lm_eval.evaluator import evaluate
        from transformers import set_seed

        from langadapt_plugins.evaluators.lm_eval_model import ToldModel, ToldPrefixModel

        tokenizer = load_tokenizer(checkpoint)
        template = "no"
        if self.apply_chat_template:
            tokenizer.chat_template = chat_template(checkpoint, tokenizer)
            template = short_hash(tokenizer.chat_template)
        model = (ToldPrefixModel if self.engine == "shared" else ToldModel)(
            pretrained=load_model(checkpoint, self.dtype),
            tokenizer=tokenizer,
            batch_size=self.batch_size,
            max_length=self.max_length,
        )
        model.progress = progress
        set_seed(seed)
        results = evaluate(
            lm=model,
            task_dict=loaded,
            limit=limit,
            bootstrap_iters=_RESAMPLES,
            log_samples=True,
            apply_chat_template=self.apply_chat_template,
            fewshot_as_multiturn=self.apply_chat_template,
        )
        return results, str(model.model.dtype).removeprefix("torch."), template


def _scores(
    results: Any, facts: Mapping[str, Any], samples: Mapping[str, Sequence[Row]], ending: str
) -> list[Score]:
    from importlib.metadata import version

    scores = []
    for name, values in results["results"].items():
        for key, value in values.items():
            metric, comma, kind = key.partition(",")
            number = _number(value)
            if not comma or metric.endswith("_stderr") or number is None:
                continue
            rows = [
                row
                for task in facts[name].get("members", [name])
                for row in samples[task]
                if row["filter"] == kind
            ]
            items = [row["metrics"][metric] for row in rows if metric in row["metrics"]]
            if "members" not in facts[name] and _is_mean(number, items):
                interval = mean_interval(items)
            else:  # a group follows lm-eval's weights, and perplexity or F1 of a whole task is no mean
                interval = _around(number, _number(values.get(f"{metric}_stderr,{kind}")), items)
            about = f"v:{_version(results['versions'].get(name))}|shots:{facts[name]['shots']}"
            kept = "" if kind == "none" else f"|filter:{kind}"
            scores.append(
                Score(
                    task=name,
                    metric=metric,
                    value=number,
                    n=len(items) or facts[name]["n"],
                    interval=interval,
                    higher_is_better=bool(results["higher_is_better"].get(name, {}).get(metric, True)),
                    signature=f"lm-eval:{version('lm-eval')}|task:{name}|{about}|{ending}{kept}",
                )
            )
    return scores


def _is_mean(value: float, items: Sequence[float]) -> bool:
    return bool(items) and math.isclose(math.fsum(items) / len(items), value, rel_tol=1e-9, abs_tol=1e-12)


def _around(value: float, error: float | None, items: Sequence[float]) -> tuple[float, float] | None:
    """An interval from lm-eval's own standard error; within 0 and 1 where the items are."""
    if not error:
        return None
    low, high = value - _NORMAL_95 * error, value + _NORMAL_95 * error
    return (max(0.0, low), min(1.0, high)) if all(0 <= item <= 1 for item in items) else (low, high)


def _facts(results: Any, groups: Mapping[str, Any], chances: Mapping[str, float | None]) -> dict[str, Any]:
    """Items, chance level and shots of each task and group."""
    sizes = {name: counts["effective"] for name, counts in results["n-samples"].items()}
    facts = {n: {"n": sizes[n], "chance": chances[n], "shots": results["n-shot"].get(n, 0)} for n in chances}
    for name, group in groups.items():
        members = [task.task_name for task in group.get_all_tasks()]
        plain = any(not item.weight_by_size for item in group.aggregate_metric_list or ())
        weights = {member: 1 if plain else sizes[member] for member in members}
        guessed = [(weights[member], level) for member in members if (level := chances[member]) is not None]
        chance = (
            sum(w * level for w, level in guessed) / sum(w for w, _ in guessed)
            if len(guessed) == len(members)
            else None
        )
        shots = {facts[member]["shots"] for member in members}
        facts[name] = {
            "n": sum(sizes[m] for m in members),
            "chance": chance,
            "shots": shots.pop() if len(shots) == 1 else "mixed",
            "members": members,
        }
    return facts


def _chance(task: Any, rows: Sequence[Mapping[str, Any]]) -> float | None:
    """The share that guessing gets right: the mean of one over the number of choices; None where nothing is chosen."""
    if task.OUTPUT_TYPE != "multiple_choice" or not rows:
        return None
    return math.fsum(1 / len(task.doc_to_choice(row["doc"])) for row in rows) / len(rows)


def _sample(task: str, row: Mapping[str, Any]) -> Row:
    """An item as it stands on disk: numbers as JSON has them, responses as text or [log-likelihood, greedy]."""
    return {
        "task": task,
        "doc_id": row["doc_id"],
        "doc_hash": row.get("doc_hash"),
        "filter": row["filter"],
        "target": _plain(row["target"]),
        "response": _plain(row["filtered_resps"]),
        "metrics": {name: value for name in row["metrics"] if (value := _number(row[name])) is not None},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    number = _number(value)
    return (
        str(value)
        if isinstance(value, str) or number is None
        else value
        if isinstance(value, bool | int)
        else number
    )


def _number(value: Any) -> float | None:
    """A finite number as Python has it; None for "N/A", NaN and whatever is no number."""
    try:
        number = None if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        return None
    return number if number is not None and math.isfinite(number) else None


def _version(value: Any) -> str:
    return "none" if value is None else str(value).removesuffix(".0")


@contextmanager
def _quiet(path: Path, progress: Progress) -> Iterator[None]:
    """lm-eval's warnings go to a file, and their number to the reader; its bars and datasets' go nowhere."""
    log = logging.getLogger("lm_eval")
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setLevel(logging.WARNING)
    handler.addFilter(lambda record: not record.getMessage().startswith(_EXPECTED))
    spread = log.propagate
    log.addHandler(handler)
    log.propagate = False
    try:
        with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
            yield
    finally:
        log.removeHandler(handler)
        log.propagate = spread
        handler.close()
        lines = path.read_text(encoding="utf-8").splitlines()
        if lines:
            progress.say(f"  lm-eval warns, {len(lines)} lines in {path}: {lines[0]}")
