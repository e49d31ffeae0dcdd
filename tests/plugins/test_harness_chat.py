"""Benchmarks in a chat template: what the model reads, that the signature says it, and that it begins once."""

import json

import pytest
from tiny import tiny_model

from langadapt.compare import compare, sides
from langadapt.errors import ConfigError, DataError
from langadapt.interfaces import Checkpoint, ModelRef
from langadapt.languages import Language, LanguagePack
from langadapt.progress import Silent
from langadapt_plugins.evaluators import harness as module
from langadapt_plugins.evaluators.harness import Harness

ASKED = [{"q": f"Was folgt auf {n}?", "c": [str(n + 1), str(n + 2)], "a": n % 2} for n in range(8)]
CHOICES = """
task: chosen
dataset_path: json
dataset_kwargs: {data_files: {test: ../rows.jsonl, shots: ../rows.jsonl}}
output_type: multiple_choice
test_split: test
fewshot_split: shots
fewshot_config: {sampler: first_n}
num_fewshot: 2
doc_to_text: "Frage: {{ q }}\\nAntwort:"
doc_to_choice: "{{ c }}"
doc_to_target: "{{ a }}"
"""
WRITTEN = CHOICES.replace("chosen", "written").replace("multiple_choice", "generate_until").replace(
    'doc_to_choice: "{{ c }}"\ndoc_to_target: "{{ a }}"', 'doc_to_target: "{{ c[a] }}"\ngeneration_kwargs: {until: ["\\n"], max_gen_toks: 3}'
)  # fmt: skip
PLAIN = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
TEMPLATES = {"without": PLAIN, "with": "{{ bos_token }}" + PLAIN}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model whose tokenizer puts a beginning before every text, as Llama's does."""
    from tokenizers.processors import TemplateProcessing
    from transformers import AutoTokenizer

    folder = tiny_model(tmp_path_factory.mktemp("tiny"), [row["q"] for row in ASKED] * 4)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", tokenizer.bos_token_id)]
    )
    tokenizer.save_pretrained(folder)
    assert AutoTokenizer.from_pretrained(folder)("Was")["input_ids"][0] == tokenizer.bos_token_id
    return str(folder)


@pytest.fixture
def pack(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "pack" / "tasks").mkdir(parents=True)
    lines = "".join(f"{json.dumps(row)}\n" for row in ASKED)
    (tmp_path / "pack" / "rows.jsonl").write_text(lines, encoding="utf-8")
    for name, text in {"chosen": CHOICES, "written": WRITTEN}.items():
        (tmp_path / "pack" / "tasks" / f"{name}.yaml").write_text(text, encoding="utf-8")
    for name, text in TEMPLATES.items():
        (tmp_path / f"{name}.jinja").write_text(text, encoding="utf-8")
    return LanguagePack(Language.of("de"), tmp_path / "pack", {})


@pytest.fixture
def read(monkeypatch):
    """Every row of tokens that went into the real model."""
    rows, load = [], module.load_model

    def watched(checkpoint, dtype):
        model = load(checkpoint, dtype)
        told = lambda _, args, kwargs: rows.extend((args[0] if args else kwargs["input_ids"]).tolist())  # noqa: E731
        model.register_forward_pre_hook(told, with_kwargs=True)
        return model

    monkeypatch.setattr(module, "load_model", watched)
    return rows


def evaluated(model, pack, output, *, template=None, name="base", **settings):
    checkpoint = Checkpoint(name=name, model=ModelRef(model), chat_template=template and str(template))
    output.mkdir(parents=True, exist_ok=True)
    harness = Harness(**{"tasks": ("chosen",), "dtype": "float32", **settings})
    scores = harness.evaluate(checkpoint, pack=pack, output=output, limit=None, seed=1, progress=Silent())
    told = [dict(vars(score)) for score in scores]
    (output / "scores.json").write_text(json.dumps(told), encoding="utf-8")
    return scores[0]


def texts(model, rows):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    return [tokenizer.decode([token for token in row if token != tokenizer.pad_token_id]) for row in rows]


@pytest.mark.parametrize("engine", ["shared", "hf"])
@pytest.mark.parametrize("template", ["none", "without", "with"])
def test_a_text_begins_once(model, pack, read, tmp_path, engine, template):
    """Whoever writes the mark of the beginning: the template, or the tokenizer."""
    path = tmp_path / f"{template}.jinja" if template != "none" else None
    evaluated(
        model, pack, tmp_path / "out", template=path, engine=engine, tasks=("chosen", "written"), batch_size=3,
        apply_chat_template=template != "none",
    )  # fmt: skip
    found = [text for text in texts(model, read) if "Frage" in text]
    begun = [text for text in found if text.startswith("<s>")]
    assert begun
    assert engine == "shared" or len(begun) == len(found)
    assert not any("<s><s>" in text.replace(" ", "") for text in found)
    assert any(("[user]" in text) is (template != "none") for text in begun)


def test_a_template_that_doubles_the_beginning_is_refused(model, pack, tmp_path):
    (tmp_path / "late.jinja").write_text(f"\n{TEMPLATES['with']}", encoding="utf-8")
    with pytest.raises(ConfigError, match="begins with <s> twice") as error:
        evaluated(model, pack, tmp_path / "out", template=tmp_path / "late.jinja", apply_chat_template=True)
    assert "very first thing" in error.value.hint


@pytest.mark.parametrize("engine", ["shared", "hf"])
def test_the_prompt_is_what_the_signature_says(model, pack, read, tmp_path, engine):
    ways = {
        "no": {"apply_chat_template": False},
        "yes": {"apply_chat_template": True},
        "one": {"apply_chat_template": True, "fewshot_as_multiturn": False},
    }
    said, keys = {}, {}
    for way, settings in ways.items():
        read.clear()
        score = evaluated(
            model, pack, tmp_path / way, template=tmp_path / "with.jinja", engine=engine, **settings
        )
        said[way] = "".join(texts(model, read))
        keys[way] = dict(part.split(":") for part in score.signature.split("|"))
    shots = "Frage: Was folgt auf 0?\nAntwort:{} 1"
    assert shots.format("") in said["no"]
    assert "[user]" not in said["no"]
    assert "[user]Frage: Was folgt auf 0?\nAntwort:[assistant]1[user]" in said["yes"].replace(
        "[assistant] 1", "[assistant]1"
    )
    assert "[user]Frage: Was folgt auf 0?\nAntwort: 1\n\nFrage:" in said["one"]
    assert [keys[way]["chat"] == "no" for way in ways] == [True, False, False]
    assert [keys[way].get("multiturn") for way in ways] == [None, "yes", "no"]


def test_the_two_engines_agree_in_a_chat_template(model, pack, tmp_path):
    for turns in (True, False):
        found = []
        for engine in ("shared", "hf"):
            evaluated(
                model, pack, tmp_path / engine, template=tmp_path / "with.jinja", engine=engine,
                apply_chat_template=True, fewshot_as_multiturn=turns,
            )  # fmt: skip
            lines = (tmp_path / engine / "samples.jsonl").read_text("utf-8").splitlines()
            found.append([number for line in lines for number, _ in json.loads(line)["response"]])
        assert found[0] == pytest.approx(found[1], abs=1e-4)


def test_what_was_asked_in_another_way_is_not_compared(model, pack, tmp_path):
    """Plain against template, turns against one turn, other shots; another template of the same way is only noted."""
    ways = {
        "plain": {},
        "turns": {"apply_chat_template": True},
        "one": {"apply_chat_template": True, "fewshot_as_multiturn": False},
        "shots": {"num_fewshot": 1},
    }
    for way, settings in ways.items():
        evaluated(
            model, pack, tmp_path / way / "harness", template=tmp_path / "with.jinja", name=way, **settings
        )
    for first, second, why in (
        ("plain", "turns", "differ in chat (no, "),
        ("turns", "one", "differ in multiturn (yes, no)"),
        ("plain", "shots", "differ in shots (2, 1)"),
    ):
        with pytest.raises(DataError) as error:
            compare(sides([str(tmp_path / first), str(tmp_path / second)]))
        assert why in str(error.value)
        assert "the same tasks, shots" in error.value.hint
    evaluated(
        model,
        pack,
        tmp_path / "other" / "harness",
        template=tmp_path / "without.jinja",
        apply_chat_template=True,
    )
    (row, *_) = compare(sides([str(tmp_path / "turns"), str(tmp_path / "other")])).rows
    assert "each with its own chat template" in row.notes
    assert row.asked == "in the chat template, examples as turns"
