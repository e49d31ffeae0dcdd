"""What would be uploaded: the data set and a model, each with its card, from a run that is finished."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from langadapt.errors import ConfigError, DataError
from langadapt.identity import folder_digest
from langadapt.languages import LanguagePack, read_json
from langadapt.publish import checks
from langadapt.publish.rows import write_stream
from langadapt.recipe import Recipe
from langadapt.report.cards import data_card, model_card
from langadapt.report.facts import Facts, gather
from langadapt.report.metadata import hub_licenses
from langadapt.runner import Run, Step

CARD = "README.md"
TEMPLATE = "chat_template.jinja"
_WEIGHTS = ".safetensors"
_VOCABULARY = (
    "tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "added_tokens.json", "tekken.json", "tokenizer.model",
    "spiece.model", "sentencepiece.bpe.model", "source.spm", "target.spm", "*.tiktoken",
)  # fmt: skip
_BESIDE = (
    *_VOCABULARY, "config.json", "generation_config.json", "adapter_config.json", "tokenizer_config.json",
    "special_tokens_map.json", "preprocessor_config.json", "processor_config.json", "normalizer.json", "chat_template.json",
    "*.jinja", "*.safetensors.index.json",
)  # fmt: skip
"""What Transformers and peft save beside weights, and read again: all else may be anybody's notes."""


@dataclass(frozen=True)
class File:
    """A file by its path in the repository and its place here."""

    path: str
    place: Path

    @property
    def size(self) -> int:
        """Bytes."""
        return self.place.stat().st_size


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """One repository's content. `owns` are beginnings and endings of paths that nothing older may bear; `notes` are for who sends it."""

    kind: Literal["dataset", "model"]
    repository: str
    title: str
    licenses: tuple[str, ...]
    files: tuple[File, ...]
    owns: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def card(self) -> Path:
        """Its card, to be read before it is sent."""
        return next(file.place for file in self.files if file.path == CARD)


def bundles(
    run: Run, recipe: Recipe, pack: LanguagePack, *, repository: str, data: bool, model: str | None
) -> list[Bundle]:
    """The data set, a model (the trainer's slot; "" for the last), or both, of one name on the Hub.

    Raises `DataError` for a run that is not finished, rows that may not be handed on, or a key in what would be sent;
    `ConfigError` for a slot that is none.
    """
    slot = model
    if model is not None:
        slot = _slot(recipe, model)
    check_finished(run, recipe, slot)
    facts = gather(run, recipe, pack)
    found = []
    if data:
        found.append(_data(run, recipe, facts, repository))
    if slot is not None:
        found.append(_model(run, recipe, facts, repository, slot, data))
    for bundle in found:
        for file in bundle.files:
            if file.place.suffix not in (_WEIGHTS, ".parquet"):
                text = file.place.read_text(encoding="utf-8", errors="replace")
                checks.check_text(text, file.path, places=not _is_one(file.path, _VOCABULARY))
    return found


def _is_one(path: str, names: Sequence[str]) -> bool:
    """Whether a file is called like one of these."""
    return any(fnmatch(Path(path).name, name) for name in names)


def _slot(recipe: Recipe, asked: str) -> str:
    names = [slot.name for slot in recipe.train]
    if not names:
        raise ConfigError("the recipe trains no model", hint="--data publishes the data set alone")
    if asked and asked not in names:
        raise ConfigError(f"no trainer is called {asked!r}", hint=f"trainers: {', '.join(names)}")
    return asked or names[-1]


def check_finished(run: Run, recipe: Recipe, slot: str | None) -> None:
    """Raise `DataError` where a step that the cards tell of is not done."""
    streams = dict.fromkeys(source.stream for source in recipe.sources)
    wanted = ["prepare", *(f"{stage}/{stream}" for stage in ("translate", "filter") for stream in streams)]
    if slot is not None:
        trained = [one.name for one in recipe.train]
        reached = trained[: trained.index(slot) + 1]
        wanted += [f"train/{name}" for name in reached]
    there = run.manifests()
    missing = [name for name in wanted if name not in there]
    if slot is not None and not missing:
        name = there[f"train/{slot}"]["facts"]["checkpoint"]["name"]
        missing = [step for one in recipe.evaluate if (step := f"evaluate/{name}/{one.name}") not in there]
    if missing:
        raise DataError(
            f"{run.folder} is not finished: {', '.join(missing)}", hint="start the same `langadapt run` again"
        )


def _notes(facts: Facts) -> list[str]:
    name = facts.language.name
    return [f"a demonstration: it tells nothing about {name} quality"] if facts.demonstration else []


def _data(run: Run, recipe: Recipe, facts: Facts, repository: str) -> Bundle:
    checks.check_licenses(facts.data.licenses)
    share = recipe.prepare.held_out
    rows = {
        one.stream: run.folder / "filter" / one.stream / "kept.jsonl" for one in facts.data.rows if one.total
    }
    if not rows:
        raise DataError(
            f"{run.folder}: no row passed the gates", hint="read the report, then change the gates"
        )
    for path in rows.values():
        checks.check_rows(path)
    settings = {"share": share, "publish": folder_digest(Path(__file__).parent, "*.py")}
    with run.step("publish/data", settings=settings, inputs=list(rows.values())) as step:
        if step.needed:
            step.facts |= _written(step, rows, share)
    paths = [str(path) for path in step.facts["files"]]
    card = _card(run.folder / "publish" / "data.md", data_card(facts))
    notes = _notes(facts)
    if step.facts["suspect"]:
        notes.append(
            f"what looks like a key stands in rows such as {', '.join(step.facts['suspect'])}: look at them"
        )
    if step.facts["repeated"]:
        notes.append(f"ids stand in more than one row, such as {', '.join(step.facts['repeated'])}")
    if left := checks.non_commercial(facts.data.licenses):
        notes.append(f"{left} rows are not for commercial use")
    return Bundle(
        kind="dataset",
        repository=repository,
        title=f"{facts.title}, in {facts.language.name}",
        licenses=tuple(hub_licenses(facts.data.licenses)),
        files=(File(CARD, card), *(File(path, step.path(path)) for path in paths)),
        owns=("data/",),
        notes=tuple(notes),
    )


def _written(step: Step, rows: dict[str, Path], share: float) -> dict[str, list[str]]:
    files: list[str] = []
    suspect: list[str] = []
    repeated: list[str] = []
    for stream, path in rows.items():
        made = write_stream(stream, path, step.folder, share)
        files += [str(file.relative_to(step.folder)) for file in made.files]
        suspect += made.suspect
        repeated += made.repeated
    return {"files": files, "suspect": suspect, "repeated": repeated}


def _card(place: Path, text: str) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return place


def _model(run: Run, recipe: Recipe, facts: Facts, repository: str, slot: str, data: bool) -> Bundle:
    told = run.manifests()[f"train/{slot}"]["facts"]["checkpoint"]
    folder = (run.folder / "train" / slot / told["model"]).resolve()
    if not folder.is_dir():
        raise DataError(f"train/{slot}: its model is no folder of the run", hint="train it again")
    own = run.folder / "publish" / f"model-{slot}"
    taken, left = _taken(folder)
    files = [_clean(folder, file, own) for file in taken]
    if not any(file.path.endswith(_WEIGHTS) for file in files):
        raise DataError(
            f"{folder} holds no {_WEIGHTS} weights",
            hint="other formats run code when they are read: save it anew",
        )
    if recipe.chat_template and TEMPLATE not in [file.path for file in files]:
        files.append(File(TEMPLATE, Path(recipe.chat_template)))
    card = _card(own.with_name(f"{own.name}.md"), model_card(facts, slot, data=repository if data else None))
    notes = [
        *_notes(facts),
        f"the licence of the base model ({facts.base}) holds for this one: read it first",
    ]
    if left:
        notes.append(f"stay here: {', '.join(left)}")
    return Bundle(
        kind="model",
        repository=repository,
        title=f"{facts.title}, in {facts.language.name}: {slot}",
        licenses=("other",),
        files=(File(CARD, card), *files),
        owns=(_WEIGHTS, f"{_WEIGHTS}.index.json"),
        notes=tuple(notes),
    )


def _taken(folder: Path) -> tuple[list[Path], list[str]]:
    """The files of a checkpoint that are uploaded, and the names of those that are not: other formats may hold code."""
    taken, left = [], []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        inside = path.resolve().is_relative_to(folder)
        known = (path.suffix == _WEIGHTS or _is_one(name, _BESIDE)) and not any(
            p.startswith((".", "checkpoint-")) for p in Path(name).parts
        )
        if name == CARD:
            continue
        if inside and known:
            taken.append(path)
        else:
            left.append(name)
    return taken, left


def _clean(folder: Path, path: Path, own: Path) -> File:
    """The file, or a copy of its JSON without the folders of this machine."""
    name = str(path.relative_to(folder))
    if path.suffix != ".json" or _is_one(name, _VOCABULARY):
        return File(name, path)
    told = read_json(path)
    if (
        name == "adapter_config.json"
        and checks.scrubbed(base := told.get("base_model_name_or_path"), "path", any_path=True) != base
    ):
        raise DataError(
            "the checkpoint is an adapter, and its base is a folder of this machine",
            hint="publish the base first and train on that, or merge the adapter into it",
        )
    cleaned = checks.scrubbed(told, any_path=True)
    if cleaned == told:
        return File(name, path)
    copy = own / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(json.dumps(cleaned, ensure_ascii=False, indent=2), encoding="utf-8")
    return File(name, copy)
