import json
from collections import Counter
from pathlib import Path

import pytest
from tiny import tiny_model

import langadapt
from langadapt.interfaces import Checkpoint, Evaluator, ModelRef
from langadapt.languages import Language, LanguagePack
from langadapt.progress import Silent
from langadapt_plugins.evaluators.mt_bench import MtBench
from langadapt_plugins.evaluators.probes import Probes
from langadapt_plugins.generation import ChatModel, Prompt, load_model

TEMPLATE = str(Path(langadapt.__file__).parent / "templates" / "zephyr.jinja")
PROBES = [{"id": f"p{n}", "prompt": f"Schreibe {n} Zeilen über den Schnee."} for n in range(3)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    home = tmp_path_factory.mktemp("tiny")
    model = tiny_model(home / "model", [probe["prompt"] for probe in PROBES] * 5, positions=160)
    return Checkpoint(name="base", model=ModelRef(str(model)), chat_template=TEMPLATE)


@pytest.fixture
def pack(tmp_path: Path) -> LanguagePack:
    (tmp_path / "probes.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in PROBES), encoding="utf-8"
    )
    return LanguagePack(Language.of("de"), tmp_path, {})


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_draws_follow_the_softmax() -> None:
    import torch

    from langadapt_plugins.generation import _drawing

    logits = torch.tensor([[2.0, 1.0, 0.0]])
    drawn = Counter(
        int(_drawing([Prompt(messages=(), temperature=0.7, seed=seed)])(None, logits).argmax())
        for seed in range(3000)
    )
    wanted = (logits / 0.7).softmax(-1)[0].tolist()
    assert [drawn[index] / 3000 for index in range(3)] == pytest.approx(wanted, abs=0.03)
    assert torch.equal(_drawing([Prompt(messages=())])(None, logits), logits)


def test_a_full_model_says_too_long(checkpoint: Checkpoint) -> None:
    model = ChatModel.load(checkpoint)
    prompts = [
        Prompt(messages=[{"role": "user", "content": text}])
        for text in ("Wie?", "Frage xyz " * 99, "Frage 1 " * 18)
    ]
    replies = model.replies(prompts, max_new_tokens=60)
    assert [reply.finish for reply in replies][1] == "too-long"
    assert replies[1].text == ""
    assert 0 < replies[2].tokens < 60
    assert model.replies(prompts[:1], max_new_tokens=60) == replies[:1]
    model.close()


def test_a_reply_ends_where_the_next_user_would_speak(checkpoint: Checkpoint) -> None:
    model = ChatModel.load(checkpoint)
    tokens = model._tokenizer("Ja, gern.<|user|>Und dann?", add_special_tokens=False)["input_ids"]
    reply = model._read(tokens)
    assert (reply.text, reply.finish) == ("Ja, gern.", "stop")
    assert model._read(tokens[:3]).finish == "length"
    assert model._read([*tokens[:3], 2, *tokens]) == model._read([*tokens[:3], 2])
    model.close()


def test_an_adapter_is_loaded_on_its_base(checkpoint: Checkpoint, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(checkpoint.model.name)
    tuned = get_peft_model(
        base, LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    )
    tuned.save_pretrained(tmp_path / "adapter")
    adapted = Checkpoint(
        name="sft",
        model=ModelRef(str(tmp_path / "adapter")),
        adapter_of=checkpoint.model,
        chat_template=checkpoint.chat_template,
    )
    ids = torch.arange(5, 25)[None]
    with torch.no_grad():
        assert torch.allclose(load_model(adapted)(ids).logits, tuned(ids).logits, atol=1e-5)
    model, plain = ChatModel.load(adapted), ChatModel.load(checkpoint)
    asked = [{"role": "user", "content": "Schreibe über den Schnee."}]
    assert model.reply(asked, max_new_tokens=20) != plain.reply(asked, max_new_tokens=20)


def test_probes_are_answered_and_their_language_told(
    checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path
) -> None:
    probes = Probes(max_new_tokens=40, dtype="float32")
    scores = probes.evaluate(checkpoint, pack=pack, output=tmp_path, limit=None, seed=1, progress=Silent())
    found, facts = rows(tmp_path / "answers.jsonl"), json.loads((tmp_path / "facts.json").read_text())
    assert [(row["id"], row["prompt"]) for row in found] == [
        (probe["id"], probe["prompt"]) for probe in PROBES
    ]
    assert all(isinstance(row["answer"], str) for row in found)
    assert facts["answers"] == 3
    assert facts["abstained"] + sum(score.n for score in scores) == 3
    bare = LanguagePack.bare("de")
    assert (
        probes.evaluate(checkpoint, pack=bare, output=tmp_path / "x", limit=None, seed=1, progress=Silent())
        == []
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Der erste Schnee fällt leise auf die kleine Stadt, und die Kinder laufen hinaus.", "de"),
        ("The first snow falls on the small town, and the children run outside.", "en"),
        ("Ja.", None),
        ("12345 67890 12345 67890", None),
    ],
)
def test_language_of_an_answer(text: str, language: str | None) -> None:
    from langadapt_plugins.evaluators.probes import _language

    assert {_language(text, 1) for _ in range(3)} == {language}


def test_they_are_evaluators() -> None:
    assert isinstance(MtBench(), Evaluator)
    assert isinstance(Probes(), Evaluator)
