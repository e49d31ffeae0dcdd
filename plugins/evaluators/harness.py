"""Benchmarks through EleutherAI's lm-evaluation-harness."""

import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, ClassVar, Literal

from langadapt.errors import ConfigError
from langadapt.interfaces import SPEED, Checkpoint, Item, Loads, Progress, Resolved, Score
from langadapt.languages import LanguagePack
from langadapt.progress import Silent
from langadapt.records import write_rows
from langadapt_plugins.evaluators.benchmarks import default_tasks, task_names
from langadapt_plugins.evaluators.harness_scores import facts_of, members_of, sample_of, scores_of
from langadapt_plugins.evaluators.items import items
from langadapt_plugins.evaluators.lm_eval_solutions import solutions
from langadapt_plugins.evaluators.task_sets import Places, places, spelled_out, task_sets
from langadapt_plugins.evaluators.tasks import strangers, task_manager
from langadapt_plugins.generation import chat_template, load_model, load_tokenizer, short_hash

_RESAMPLES = 100  # as many as lm-eval takes for BLEU; none would drop the standard errors of means too, one divides by 0
# What lm-eval says to everyone who hands it a loaded model.
_EXPECTED = ("`pretrained` model kwarg is not of type", "Passed an already-initialized model")


@dataclass(frozen=True, kw_only=True)
class Harness(Loads):
    """lm-eval's tasks, and those of the pack's `tasks/` folder, with lm-eval's own scoring."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "transformers", "lm_eval")
    resolves: ClassVar[Mapping[str, Callable[[LanguagePack], Resolved]]] = {"tasks": default_tasks}
    tasks: Annotated[
        tuple[str, ...],
        "names as in lm-eval, files of the pack's tasks/ folder without .yaml, or sets: `okapi` is lm-eval's own, others are the pack's",
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
    fewshot_as_multiturn: Annotated[
        bool,
        "with a chat template: each example is a turn and its answer; false: all stand in the first turn",
    ] = True
    max_length: Annotated[
        int | None, "most tokens of a question with its answer; unset: what the model takes"
    ] = None

    def check(self, pack: LanguagePack) -> None:
        """Refuse a task that neither the pack nor lm-eval has, and a set that the language has not."""
        wanted = spelled_out(self.tasks, pack)
        others = strangers(pack.path("tasks"), wanted)
        if others and not others <= task_names():
            task_manager(pack.path("tasks"), wanted, pack.words, task_sets(pack))

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
            loaded, within = self._load_tasks(pack, seed)
            results, asked = self._run(checkpoint, loaded, limit, seed, progress)
            facts = facts_of(results, loaded, within)
        samples = {name: [sample_of(name, row) for row in rows] for name, rows in results["samples"].items()}
        write_rows(output / "samples.jsonl", (row for rows in samples.values() for row in rows))
        (output / "tasks.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
        ending = f"{asked}|limit:{limit or 'all'}|seed:{seed}|batch:{self.batch_size}"
        if self.max_length:
            ending += f"|max_length:{self.max_length}"
        return scores_of(results, facts, samples, ending)

    def solutions(self, pack: LanguagePack, *, limit: int | None, seed: int) -> list[tuple[Any, str]]:
        """The prompts of the tasks as a model reads them, and the answers that score best."""
        with TemporaryDirectory() as folder, _quiet(Path(folder, "lm-eval.log"), Silent()):
            loaded, _ = self._load_tasks(pack, seed)
            return solutions(
                loaded["tasks"], limit, chat=self.apply_chat_template, turns=self.fewshot_as_multiturn
            )

    def items(self, pack: LanguagePack) -> list[Item]:
        """What the tasks ask, as lm-eval writes it, less instructions and examples."""
        with TemporaryDirectory() as folder, _quiet(Path(folder, "lm-eval.log"), Silent()):
            loaded, _ = self._load_tasks(pack, seed=0)
            return list(items(loaded["tasks"]))

    def _load_tasks(self, pack: LanguagePack, seed: int) -> tuple[Any, Places]:
        """What lm-eval's `simple_evaluate` does to tasks, the rest of which calls git and pip; and which sets they are of."""
        asked = spelled_out(self.tasks, pack)
        manager, names = task_manager(pack.path("tasks"), asked, pack.words, task_sets(pack))
        loaded = manager.load(list(dict.fromkeys(names)))
        within = places(loaded["tasks"], members_of(loaded), pack)
        for name, task in loaded["tasks"].items():
            own, wanted = task.get_config("num_fewshot"), self.num_fewshot
            if wanted is None:
                wanted = within.shots.get(name)
            if own is None or (wanted is not None and own != 0):
                task.set_config(key="num_fewshot", value=wanted or 0)
            task.set_fewshot_seed(seed=seed)
        return loaded, within

    def _run(
        self, checkpoint: Checkpoint, loaded: Any, limit: int | None, seed: int, progress: Progress
    ) -> tuple[Any, str]:
        """lm-eval's results, and how the model was asked: chat template and number type."""
        from lm_eval.evaluator import evaluate
        from transformers import set_seed

        from langadapt_plugins.evaluators.lm_eval_model import ToldModel, ToldPrefixModel

        tokenizer = load_tokenizer(checkpoint)
        asked = "chat:no"
        if self.apply_chat_template:
            tokenizer.chat_template = chat_template(checkpoint, tokenizer)
            turns = "yes" if self.fewshot_as_multiturn else "no"
            asked = f"chat:{short_hash(tokenizer.chat_template)}|multiturn:{turns}"
        model = (ToldPrefixModel if self.engine == "shared" else ToldModel)(
            pretrained=load_model(checkpoint, self.dtype),
            tokenizer=tokenizer,
            batch_size=self.batch_size,
            max_length=self.max_length,
        )
        if self.apply_chat_template:
            _begins_once(model)
        model.progress = progress
        set_seed(seed)
        results = evaluate(
            lm=model,
            task_dict=loaded,
            limit=limit,
            bootstrap_iters=_RESAMPLES,
            log_samples=True,
            apply_chat_template=self.apply_chat_template,
            fewshot_as_multiturn=self.apply_chat_template and self.fewshot_as_multiturn,
        )
        return results, f"{asked}|dtype:{str(model.model.dtype).removeprefix('torch.')}"


def _begins_once(model: Any) -> None:
    """Refuse a chat template behind which the tokenizer puts a second mark of the beginning: it makes every score worse."""
    begin = model.tokenizer.bos_token_id
    said = model.tok_encode(model.apply_chat_template([{"role": "user", "content": "x"}]))
    if begin is not None and said[:4].count(begin) > 1:
        raise ConfigError(
            f"with this chat template a text begins with {model.tokenizer.bos_token} twice, from the template and the tokenizer",
            hint="write it as the very first thing in the template, without a blank before it, or leave it out there",
        )


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
