"""A finished run of a few rows, made by the stages themselves around a translator that is known, for what reads runs."""

import json
from dataclasses import dataclass, replace

from langadapt import stages
from langadapt.interfaces import Hypothesis, Verdict
from langadapt.judging import Named
from langadapt.languages import Language, LanguagePack
from langadapt.memory import Remembering, TranslationMemory
from langadapt.progress import Silent
from langadapt.provenance import memory_identity
from langadapt.records import write_rows
from langadapt.runner import Run
from langadapt.translating import How
from langadapt.translations import Paths

KEY = "sk-" + "abcdEFGH" * 6
"""What looks like a key of a service."""
SOURCES = {
    "talks": {"rows": 30, "kept": 29, "dropped": {"duplicate": 1}, "stream": "sft", "license": "MIT",
              "path": "some-org/talks", "revision": "c0ffee"},
    "pairs": {"rows": 24, "kept": 24, "dropped": {}, "stream": "dpo", "license": "LicenseRef-own",
              "path": "/home/someone/pairs.jsonl", "revision": None},
}  # fmt: skip
EVALUATORS = ("harness", "mt-bench", "fidelity", "probes")


@dataclass(frozen=True, kw_only=True)
class Short:
    """Drops what is marked."""

    def filter(self, batch, *, source, pack):
        return [
            Verdict(keep="bad" not in item.source.texts[0], reason="marked: bad", score=0.5) for item in batch
        ]

    def close(self):
        pass


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Drops nothing."""

    def filter(self, batch, *, source, pack):
        return [Verdict(keep=True) for _ in batch]

    def close(self):
        pass


def talk(key, number, text="Good morning. It is late.", **more):
    turns = [
        {"role": "user", "content": f"{text} {number}"},
        {"role": "assistant", "content": "Yes.\n\n```\nx = 1\n```"},
    ]
    origin = {"path": "some-org/talks", "revision": "c0ffee", "row": number}
    return {"id": key, "messages": turns, "source": "talks", "license": "MIT", "origin": origin, **more}


def pair(key, number, **more):
    origin = {"path": "/home/someone/pairs.jsonl", "row": number}
    sides = {"prompt": f"Say hello {number}.", "chosen": "Hello there.", "rejected": "No."}
    return {"id": key, **sides, "source": "pairs", "license": "LicenseRef-own", "origin": origin, **more}


def rows():
    """Rows by stream: ids that are text, numbers, or mean harm; one that is held, one dropped, one in German."""
    talks = [talk(f"t{n}", n) for n in range(24)]
    talks += [
        talk(9, 170),
        talk("<b>\x1b[31m", 18),
        talk("held", 19, "Refuse this."),
        talk("bad", 20, "bad one."),
    ]
    talks += [talk("deutsch", 21, "Guten Tag.", language="de")]
    rated = {"chosen_rating": 4.5, "rejected_rating": 1, "chosen_model": "m", "note": {"at": "/home"}}
    return {"sft": talks, "dpo": [pair(n, n, **rated) for n in range(24)]}


def answer(text):
    if "Refuse" in text:
        return Hypothesis(text="", finish="error", reason="refused: will not")
    return text.upper()


def build(folder, scripted, *, made=None, context=0, license_id=None, recipe="mini"):
    """Make the run; gives its folder. `made` are other rows by stream."""
    streams = made or rows()
    if license_id is not None:
        streams["sft"] = [{**row, "license": license_id} for row in streams["sft"]]
    memory = TranslationMemory(folder.parent / "memory.sqlite")
    translator = Remembering(inner=scripted(answer=answer), memory=memory)
    pack = LanguagePack.bare("de")
    with Run(folder) as run:
        run.request = {"language": "de", "recipe": recipe, "changes": [], "sources": None}
        with run.step("prepare", settings={"limit": None}) as step:
            for stream, some in streams.items():
                write_rows(step.path(f"{stream}.jsonl"), some)
            lost = {"by": "prepare", "reason": "duplicate: of t1"}
            write_rows(step.path("dropped.jsonl"), [{**talk("twice", 22), "dropped": lost}])
            counts = {stream: len(some) for stream, some in streams.items()}
            step.facts |= {"sources": SOURCES, "streams": counts}
        for stream in streams:
            _stream(run, stream, translator, pack, context)
        for slot, stream in (("sft", "sft"), ("dpo", "dpo")):
            with run.step(f"train/{slot}", settings={}) as step:
                takes = "conversations" if stream == "sft" else "preferences"
                kept = run.folder / "filter" / stream / "kept.jsonl"
                stages.split(
                    kept, step.path("records.jsonl"), step.path("held_out.jsonl"), share=0.15, takes=takes
                )
                model(step.path("model"))
                step.facts["checkpoint"] = {
                    "name": slot,
                    "model": "model",
                    "adapter_of": None,
                    "curves": [],
                    "facts": {},
                }
        for evaluator in EVALUATORS:
            with run.step(f"evaluate/dpo/{evaluator}", settings={}) as step:
                step.path("scores.json").write_text("[]", encoding="utf-8")
    memory.close()
    return folder


def _stream(run, stream, translator, pack, context):
    source = run.folder / "prepare" / f"{stream}.jsonl"
    out = Paths.beside(run.folder / "translate" / stream / "rows.jsonl")
    settings = {
        "translator": {"class": "x.Remembering", "settings": {"inner": {"class": "y.Scripted", "settings": {"model": "org/m@1"}}}},
        "mode": "newline", "target": "de", **({"context": context} if context else {}),
    }  # fmt: skip
    with run.step(f"translate/{stream}", settings=settings) as step:
        languages = (Language.of("en"), pack.language)
        how = replace(How(), context=context)
        step.facts |= stages.translate(
            source, out, translator, languages=languages, mode="newline", progress=Silent(), how=how
        )
        step.facts |= {"engine": "scripted", "memory": memory_identity(translator)}
    gates = [Named("kind", Kind()), Named("short", Short())]
    with run.step(f"filter/{stream}", settings={gate.name: {} for gate in gates}) as step:
        kept = step.path("kept.jsonl")
        step.facts |= stages.filter_rows(
            source, out, gates, pack=pack, source=Language.of("en"), kept=kept, progress=Silent()
        )


def model(folder):
    """What a trainer saves, and what must not leave: a pickle, a path of this machine, a link to elsewhere."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights" * 1000)
    (folder / "config.json").write_text(json.dumps({"_name_or_path": str(folder.parent), "vocab_size": 3}))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    (folder / "training_args.bin").write_bytes(b"a pickle")
    (folder / "README.md").write_text("what the library wrote")
    (folder / "vocab.txt").symlink_to("/etc/hostname")


def change(path, edit):
    """Rewrite a JSON Lines file through a function of its rows."""
    kept = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    write_rows(path, [row for row in map(edit, kept) if row is not None])


def change_facts(folder, step, **facts):
    """Rewrite a manifest's facts; None takes one away."""
    path = folder / step / "manifest.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["facts"] = {key: value for key, value in {**told["facts"], **facts}.items() if value is not None}
    path.write_text(json.dumps(told), encoding="utf-8")
