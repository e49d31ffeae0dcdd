"""A run folder made by hand: what each stage leaves behind, with texts that would break a careless page."""

import json
import math
from pathlib import Path

from run_rows import ARABIC, LONG, SCRIPT, STYLE, conversation, german, preference

from langadapt.config import Layer, leaves
from langadapt.languages import LanguagePack
from langadapt.recipe import Recipe
from langadapt.records import write_rows
from langadapt.runner import Run
from langadapt.schema import Plan, Prepare, Source
from langadapt.slots import Slot

PHOENIX = {"title": "Phoenix", "source": "arXiv 2401.10580", "hellaswag": 0.5281, "arc": 0.4428, "mt-bench": 5.778125}  # fmt: skip
NAN, PART = math.nan, "mini_part"
RULES = {
    "rule": {"name": "mean-rating", "aspects": ["honesty"], "seed": 42},
    "rows": 84,
    "differs": [{"rules": ["mean-rating", "critique"], "rows": 80, "chosen": 20, "chosen_share": 0.25, "chosen_interval": [0.16, 0.36]}],
    "length": {"pairs": 80, "longer": 49, "longer_interval": None, "median_ratio": 1.25},
    "models": {"chosen": {f"m {SCRIPT}": 5}, "rejected": {}},
    "unheard of": {"of": [1, 2.5]},
}  # fmt: skip
BARRED = {"by": "prepare", "reason": "licence CC-BY-NC-4.0 is not commercial"}


def recipe(*, demonstration=True, changes=None):
    file = Layer("mini.toml", Path())
    stated = leaves(changes or {}, Layer("--set", Path()))
    tree = leaves({"title": "Phoenix, small", "base": "pack:mini/base", "seed": 42}, file) | stated

    def slot(table, name, use=None, **settings):
        return Slot(table=table, name=name, use=use or name, settings=leaves(settings, file))

    return Recipe(
        asked="mini",
        name="mini",
        title="Phoenix, small",
        needs="cpu",
        demonstration=demonstration,
        base="LeoLM/leo-mistral-hessianai-7b",
        chat_template=None,
        seed=42,
        sources=(Source(name="conversations", path="HuggingFaceH4/ultrachat_200k", stream="sft"),),
        prepare=Prepare(),
        plan=Plan(),
        select=(slot("select", "benchmarks", "contamination"),),
        translate=slot("translate", "translate", "transformers", model="haoranxu/ALMA-7B"),
        filters=tuple(slot("filter", name) for name in ("language-id", "length", "tokens", "round-trip")),
        train=(
            slot("train", "sft", "trl-sft", learning_rate=2e-5),
            slot("train", "dpo", "trl-dpo", beta=0.1),
        ),
        evaluate=tuple(slot("evaluate", name) for name in ("harness", "mt-bench", "probes")),
        published={"phoenix": PHOENIX},
        settings={},
        tree=tree,
    )


def pack(code="de"):
    bare = LanguagePack.bare(code)
    return LanguagePack(
        bare.language, None, {"benchmarks": {"hellaswag": ["mini_hellaswag"], "arc": ["mini_arc"]}}
    )


def prepare(run: Run):
    with run.step("prepare", settings={"limit": None}) as step:
        dpo = {
            "rows": 84,
            "kept": 80,
            "dropped": {"duplicate": 1, SCRIPT: 3},
            "stream": "dpo",
            "license": "MIT",
        }
        sft = {"rows": 160, "kept": 150, "dropped": {"duplicate": 4, "too long": 6}, "stream": "sft"}
        step.facts |= {
            "sources": {
                "conversations": {
                    **sft,
                    "license": "Apache-2.0",
                    "path": "HuggingFaceH4/ultrachat_200k",
                    "revision": "abc",
                    "terms": ["openai-outputs", f"plain | {SCRIPT}"],
                },
                f"pairs {STYLE}": {
                    **dpo,
                    "path": str(run.folder / "own" / "rows.jsonl"),
                    "revision": None,
                    "preferences": RULES,
                },
            },
            "streams": {"sft": 150, "dpo": 80},
        }
        write_rows(step.path("sft.jsonl"), [conversation(n) for n in range(150)])
        write_rows(step.path("dpo.jsonl"), [preference(n) for n in range(80)])
        barred = {"license": "CC-BY-NC-4.0", "subset": f"part {SCRIPT}"}
        leak = {
            "by": "select.benchmarks",
            "reason": f"contamination: mini_{STYLE} item 7: run: 'so {SCRIPT}'",
        }
        write_rows(
            step.path("dropped.jsonl"),
            [
                *({**conversation(n), **barred, "dropped": BARRED} for n in range(200, 203)),
                *({**conversation(n), "dropped": leak} for n in range(300, 302)),
            ],
        )


def translate(run: Run):
    for stream, rows, words in (
        ("sft", [german(n) for n in range(147)], 4000),
        ("dpo", [preference(n, (ARABIC, "Hallo!", STYLE)) for n in range(80)], 900),
    ):
        with run.step(f"translate/{stream}", settings={}) as step:
            held = {"length": 2, "too-long": 1} if stream == "sft" else {}
            step.facts |= {
                "records": len(rows) + sum(held.values()),
                "translated": len(rows),
                "untouched": 0,
                "held": held,
                "seconds": 61.5,
                "segments": 700,
                "unique": 600,
                "remembered": 150,
                "tokens_in": words * 3, "tokens_out": words * 4, "unfinished": 3,
            }  # fmt: skip
            write_rows(step.path("rows.jsonl"), rows)
            pairs = [
                {"source": "Peel them.", "target": "Schäle sie.", "text": 1, "origin": "model"},
                {"source": "Say hello.", "target": "Hallo!", "text": 1, "origin": "model"},
            ]
            write_rows(
                step.path("rows.segments.jsonl"),
                [{"id": row["id"], "translated": True, "pairs": pairs} for row in rows],
            )


DROPS = {
    "sft": {
        "language-id": {"language": 6},
        "length": {"length": 9},
        "tokens": {"tokens": 8},
        "round-trip": {"round trip": 20},
    },
    "dpo": {
        "language-id": {"language": 2},
        "length": {},
        "tokens": {"tokens": 3},
        "round-trip": {"round trip": 11, SCRIPT: 1},
    },
}


def filtered(run: Run):
    for stream, gates in DROPS.items():
        with run.step(f"filter/{stream}", settings={}) as step:
            make, source = (
                (german, conversation)
                if stream == "sft"
                else (lambda n: preference(n, (ARABIC, "Hallo!", STYLE)), preference)
            )
            dropped, n = [], 50
            for gate, why in gates.items():
                for reason in why:
                    verdict = {
                        "filter": gate,
                        "keep": False,
                        "reason": f"{reason}: BLEU 3 below 20, came back as 'Peel {STYLE}'",
                        "score": 3.1,
                        "segment": 0,
                    }
                    spanned = {**verdict, "span": [0, 6]} if gate == "length" else verdict
                    dropped.append({**make(n), "dropped": {"by": gate, **spanned, "source": source(n)}})
                    n += 1
            lost = sum(sum(why.values()) for why in gates.values())
            total = 147 if stream == "sft" else 80
            step.facts |= {"records": total, "kept": total - lost, "dropped": gates}
            write_rows(step.path("kept.jsonl"), [make(n) for n in range(8)])
            write_rows(step.path("kept.dropped.jsonl"), dropped)
            told = [
                {"filter": "language-id", "keep": True},
                {"filter": "round-trip", "keep": True, "score": 71.25},
            ]
            write_rows(
                step.path("kept.verdicts.jsonl"), [{"id": make(n)["id"], "verdicts": told} for n in range(8)]
            )


def train(run: Run):
    for slot in ("sft", "dpo"):
        with run.step(f"train/{slot}", settings={}) as step:
            write_rows(step.path("records.jsonl"), [conversation(n) for n in range(98)])
            write_rows(step.path("held_out.jsonl"), [conversation(n) for n in range(6)])
            curves = [
                {"step": 0, "eval_loss": 5.1, **({"eval_rewards/accuracies": 0.0} if slot == "dpo" else {})}
            ]
            for n in range(1, 25):
                rewards = {
                    "rewards/accuracies": 1 - 0.5 * math.exp(-n / 6),
                    "rewards/margins": 0.2 * n,
                    "eval_rewards/accuracies": 0.5 + 0.01 * n,
                }
                curves.append(
                    {
                        "step": n * 5,
                        "loss": 1.5 + 3.5 * math.exp(-n / 8) + 0.1 * math.sin(n * 3),
                        "grad_norm": NAN,
                        **(rewards if slot == "dpo" else {}),
                        **({"eval_loss": 2 + 3 * math.exp(-n / 9)} if n % 4 == 0 else {}),
                    }
                )
            facts = {
                "steps": 120,
                "held_out_loss_before": 5.1234,
                "held_out_loss_after": 2.2345,
                "versions": {"trl": "1.16"},
            }
            if slot == "dpo":
                facts |= {"train_reward_accuracy": 0.8125, "held_out_reward_accuracy": 0.625}
            step.facts["checkpoint"] = {
                "name": slot,
                "model": str(step.path("model")),
                "chat_template": None,
                "adapter_of": None,
                "curves": curves,
                "facts": facts,
            }


def evaluate(run: Run):
    for place, name in enumerate(("base", "sft", "dpo")):
        scores = [
            score("mini_hellaswag", "acc", 0.2 + 0.03 * place, (0.1, 0.4), signature=f"sig {STYLE}"),
            score("mini_hellaswag", "acc_norm", 0.2333 + 0.03 * place, (0.12, 0.41)),
            score(PART, "acc", 0.3141, (0.2, 0.4)),
            score("mini_arc", "acc_norm", NAN if place == 2 else 0.3, None if place == 2 else [0.27, 0.5]),
            score(f"mini_$mmlu$ {SCRIPT} {ARABIC}", "acc", None if place == 1 else 0.4667, None),
        ]
        with run.step(f"evaluate/{name}/harness", settings={}) as step:
            write(step.path("scores.json"), scores)
            write(
                step.path("tasks.json"),
                {score["task"]: {"n": 30, "chance": 0.25, "shots": 2, "members": [PART]} for score in scores},
            )
        with run.step(f"evaluate/{name}/mt-bench", settings={}) as step:
            write(
                step.path("scores.json"),
                [
                    score("mt-bench-de", "chrF to the reference", 12.3456 + place, (10.5, 14.5)),
                    score("mt-bench-de/turn-1", "chrF to the reference", 11.1, (9.5, 13.5)),
                ],
            )
            write_rows(
                step.path("answers.jsonl"),
                [{"id": "q1", "turns": ["a", "b"], "answers": ["c", "d"], "finish": ["stop"]}],
            )
        with run.step(f"evaluate/{name}/probes", settings={}) as step:
            write(step.path("scores.json"), [score("probes", "answers in German", 0.5, (0.2, 0.8))])
            said = [
                f"{name} sagt {SCRIPT}",
                ARABIC,
                "",
                LONG,
                "Ein Gedicht über den Schnee.\nUnd noch eines.",
            ]
            write_rows(
                step.path("answers.jsonl"),
                [
                    {
                        "id": f"probe{n}",
                        "prompt": f"Frage {n} {STYLE}",
                        "answer": text,
                        "finish": "length" if n == 3 else "stop",
                    }
                    for n, text in enumerate(said)
                ],
            )


def score(task, metric, value, interval, signature="lm-eval|0.4.13"):
    about = {"n": 30, "interval": interval, "higher_is_better": True, "signature": signature}
    return {"task": task, "metric": metric, "value": value, **about}


def write(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")


STAGES = (prepare, translate, filtered, train, evaluate)
