"""Two sets of German tasks of the same benchmarks, each as its authors have it, on rows of our own in the shape of theirs."""

import functools
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny import tiny_model

from langadapt.cli import cli
from langadapt.errors import ConfigError
from langadapt.interfaces import Checkpoint, ModelRef
from langadapt.languages import Language, LanguagePack, read_yaml
from langadapt.progress import Silent
from langadapt_plugins.evaluators.harness import Harness
from langadapt_plugins.evaluators.task_sets import places, spelled_out, task_sets

ROOT = Path(__file__).parents[2]
GERMAN = LanguagePack.read(ROOT / "languages" / "de")
OKAPI = ["hellaswag_de", "arc_de", "m_mmlu_de", "truthfulqa_de_mc1", "truthfulqa_de_mc2"]
LEOLM = ["leolm_hellaswag_de", "leolm_arc_challenge_de", "leolm_mmlu_de", "leolm_truthfulqa_de"]


def rows(kind):
    """Rows with the columns of each data set, written here."""
    numbers = range(30)
    return {
        "fork_arc": [
            {"question_de": f"Wie viel ist {n} und 1?", "answerKey": "B", "choices_de": {"text": ["nichts", f"genau {n + 1}"], "label": ["A", "B"]}}
            for n in numbers
        ],
        "fork_hellaswag": [
            {"activity_label_de": "Kochen", "ctx_de": f"[header] Er nimmt Topf {n}", "endings_de": ["und kocht.", "und fliegt."], "label": "0"}
            for n in numbers
        ],
        "okapi_arc": [
            {"id": str(n), "instruction": f"Wie viel ist {n} und 1?", "answer": "B",
             **{f"option_{k}": text for k, text in zip("abcde", ["nichts", f"genau {n + 1}", "viel", "wenig", ""], strict=True)}}
            for n in numbers
        ],
        "okapi_hellaswag": [
            {"activity_label": "Kochen", "ctx_a": f"Er nimmt Topf {n}", "ctx_b": "der Koch", "endings": ["kocht.", "fliegt."], "label": "0"}
            for n in numbers
        ],
    }[kind]  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    texts = [
        json.dumps(row, ensure_ascii=False)
        for kind in ("fork_arc", "okapi_arc", "fork_hellaswag")
        for row in rows(kind)
    ]
    return Checkpoint(name="base", model=ModelRef(str(tiny_model(tmp_path_factory.mktemp("tiny"), texts * 3))))  # fmt: skip


@functools.cache
def indexed(include_path=None, include_defaults=True):
    """lm-eval's manager, whose index takes seconds, made once."""
    from lm_eval.tasks.manager import TaskManager

    return TaskManager(include_path=include_path, include_defaults=include_defaults)


@pytest.fixture
def local(tmp_path, monkeypatch):
    """The Hub's data sets, of which none can be reached, replaced by rows of the same columns."""
    import datasets
    import lm_eval.tasks

    monkeypatch.setattr(lm_eval.tasks, "TaskManager", indexed)
    real, cache = datasets.load_dataset, str(tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    kinds = {
        "LeoLM/ArcChallenge_de": "fork_arc", "LeoLM/HellaSwag_de": "fork_hellaswag",
        "alexandrainst/m_arc": "okapi_arc", "alexandrainst/m_hellaswag": "okapi_hellaswag",
    }  # fmt: skip

    def load(path, name=None, **_):
        file = tmp_path / f"{kinds[path]}.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows(kinds[path])), encoding="utf-8")
        splits = ("train", "validation", "val", "test")
        return real("json", data_files=dict.fromkeys(splits, str(file)), cache_dir=cache)

    monkeypatch.setattr(datasets, "load_dataset", load)


def evaluated(harness, checkpoint, output, pack=GERMAN, limit=4):
    scores = harness.evaluate(checkpoint, pack=pack, output=output, limit=limit, seed=1, progress=Silent())
    return {(score.task, score.metric): score for score in scores}


@pytest.mark.slow  # lm-eval's index takes seconds
def test_a_name_stands_for_a_set_and_both_may_be_asked_for():
    assert spelled_out(["okapi"], GERMAN) == OKAPI
    assert spelled_out(["leolm"], GERMAN) == LEOLM
    assert spelled_out(["leolm", "arc_de", "okapi"], GERMAN) == [
        *LEOLM,
        "arc_de",
        *(set_ for set_ in OKAPI if set_ != "arc_de"),
    ]
    assert GERMAN.facts["settings"]["evaluator"]["harness"]["tasks"] == ["leolm"], "what Phoenix reports"


@pytest.mark.slow  # lm-eval's index takes seconds
def test_a_set_that_is_spelled_wrongly_is_guessed():
    with pytest.raises(ConfigError, match="did you mean 'okapi'"):
        Harness(tasks=("okapy",)).check(GERMAN)


@pytest.mark.slow  # lm-eval's index takes seconds
@pytest.mark.parametrize(
    ("code", "names"),
    [("fr", ["hellaswag_fr", "arc_fr", "m_mmlu_fr", "truthfulqa_fr_mc1", "truthfulqa_fr_mc2"]),
     ("zh", ["arc_zh", "m_mmlu_zh", "truthfulqa_zh_mc1", "truthfulqa_zh_mc2"])],
)  # fmt: skip
def test_okapi_is_there_for_any_language_that_it_was_made_in(code, names):
    assert spelled_out(["okapi"], LanguagePack.bare(code)) == names


def test_a_set_that_a_language_has_not_is_refused():
    for code in ("sw", "gl", "zh-Hant"):
        pack = LanguagePack.bare(code)
        with pytest.raises(ConfigError) as error:
            Harness(tasks=("okapi",)).check(pack)
        assert "lm-eval has no task of the set 'okapi'" in str(error.value)
        assert error.value.hint
    assert "openllm" in task_sets(LanguagePack.bare("en"))
    assert "openllm" not in task_sets(GERMAN)


@pytest.mark.slow  # lm-eval's index takes seconds
def test_each_set_is_scored_as_its_authors_do(checkpoint, local, tmp_path):
    """Real lm-eval runs of both: shots, words and scored continuations."""
    tasks = ("leolm_arc_challenge_de", "leolm_hellaswag_de", "arc_de", "hellaswag_de")
    scores = evaluated(Harness(tasks=tasks, max_length=4000), checkpoint, tmp_path / "out")
    facts = json.loads((tmp_path / "out" / "tasks.json").read_text("utf-8"))
    assert {name: (about["set"], about["benchmark"], about["shots"]) for name, about in facts.items()} == {
        "leolm_arc_challenge_de": ("leolm", "arc", 25), "leolm_hellaswag_de": ("leolm", "hellaswag", 10),
        "arc_de": ("okapi", "arc", 0), "hellaswag_de": ("okapi", "hellaswag", 0),
    }  # fmt: skip
    for (task, _), score in scores.items():
        assert f"|set:{facts[task]['set']}|" in score.signature
        assert f"|shots:{facts[task]['shots']}|chat:no|" in score.signature
    asked = dict(
        Harness(tasks=("leolm_arc_challenge_de", "arc_de"), num_fewshot=1).solutions(GERMAN, limit=1, seed=1)
    )
    fork, okapi = sorted(asked, key=lambda prompt: "Question:" in prompt)
    assert fork.count("Frage: ") == 2
    assert fork.endswith("Frage: Wie viel ist 0 und 1?\nAntwort:")
    assert okapi.count("Question: ") == 2
    assert okapi.endswith("Question: Wie viel ist 0 und 1?\nAnswer:")
    assert set(asked.values()) == {" genau 1"}


def test_no_average_is_taken_across_sets():
    with pytest.raises(ConfigError, match="'all_arc' holds tasks of the sets leolm and okapi") as error:
        places(
            ["leolm_arc_challenge_de", "arc_de"], {"all_arc": ["leolm_arc_challenge_de", "arc_de"]}, GERMAN
        )
    assert "table of its own" in error.value.hint
    group = places(["x"], {"leolm_mmlu_de": ["leolm_mmlu_de_anatomy"]}, GERMAN)
    assert group.sets == {"leolm_mmlu_de": "leolm", "leolm_mmlu_de_anatomy": "leolm"}
    assert group.benchmarks["leolm_mmlu_de_anatomy"] == "mmlu"


def test_a_set_may_give_the_shots(checkpoint, tmp_path, monkeypatch):
    pack = english(tmp_path, monkeypatch)
    facts = {}
    for shots in (None, 1):
        evaluated(
            Harness(tasks=("arc_challenge", "gsm8k"), num_fewshot=shots), checkpoint, tmp_path / "out", pack
        )
        facts[shots] = json.loads((tmp_path / "out" / "tasks.json").read_text("utf-8"))
    assert [facts[None][name]["shots"] for name in ("arc_challenge", "gsm8k")] == [25, 5]
    assert facts[None]["arc_challenge"]["set"] == "openllm"
    assert [facts[1][name]["shots"] for name in ("arc_challenge", "gsm8k")] == [1, 1]


def english(tmp_path, monkeypatch):
    """A pack whose own files bear the names of two of lm-eval's tasks."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "en"
    (folder / "tasks").mkdir(parents=True)
    lines = "".join(
        f"{json.dumps({'q': f'One and {n}?', 'a': 0, 'c': [str(n + 1), 'no']})}\n" for n in range(30)
    )
    (folder / "rows.jsonl").write_text(lines, encoding="utf-8")
    for name in ("arc_challenge", "gsm8k"):
        (folder / "tasks" / f"{name}.yaml").write_text(
            f"task: {name}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: ../rows.jsonl, shots: ../rows.jsonl}}}}\n"
            "output_type: multiple_choice\ntest_split: test\nfewshot_split: shots\nfewshot_config: {sampler: first_n}\n"
            'doc_to_text: "{{ words.question }}: {{ q }}\\n{{ words.answer }}:"\ndoc_to_choice: "{{ c }}"\ndoc_to_target: "{{ a }}"\n',
            encoding="utf-8",
        )  # fmt: skip
    (folder / "literals.toml").write_text('question = "Query"\nanswer = "Reply {x}"\n', encoding="utf-8")
    return LanguagePack(Language.of("en"), folder, {})


def test_words_of_the_pack_stand_in_prompts_and_stop_words(checkpoint, tmp_path, monkeypatch):
    pack = english(tmp_path, monkeypatch)
    told = (pack.folder / "tasks" / "gsm8k.yaml").read_text("utf-8")
    generated = told.replace("multiple_choice", "generate_until").replace('doc_to_choice: "{{ c }}"\n', "").replace(
        'doc_to_target: "{{ a }}"', 'doc_to_target: "{{ c[0] }}"\ngeneration_kwargs: {until: ["{{ words.question }}:", "{{words.stop}}"], max_gen_toks: 4}'
    )  # fmt: skip
    (pack.folder / "tasks" / "gsm8k.yaml").write_text(generated, encoding="utf-8")
    (pack.folder / "prompts.toml").write_text('[tasks]\nstop = "Fin \\\\1."\n', encoding="utf-8")
    pack = LanguagePack(pack.language, pack.folder, {})
    harness = Harness(tasks=("gsm8k",), num_fewshot=0)
    loaded, _ = harness._load_tasks(pack, 1)
    task = loaded["tasks"]["gsm8k"]
    assert task.config.generation_kwargs["until"] == ["Query:", "Fin \\1."]
    assert task.doc_to_text(task.eval_docs[0]) == "Query: One and 0?\nReply {x}:"
    prompt = evaluated(harness, checkpoint, tmp_path / "a", pack)["gsm8k", "exact_match"].signature
    (pack.folder / "literals.toml").write_text('question = "Ask"\nanswer = "Reply"\n', encoding="utf-8")
    again = LanguagePack(pack.language, pack.folder, {})
    changed = evaluated(harness, checkpoint, tmp_path / "b", again)["gsm8k", "exact_match"].signature
    assert prompt != changed, "other words are another measurement"
    assert [one for one in prompt.split("|") if not one.startswith("prompt:")] == [
        one for one in changed.split("|") if not one.startswith("prompt:")
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [("{{ words.queston }}: {{ q }}", "the pack has no word 'queston'"),
     ("{{ words.question ~ q }}", "words.question stands within an expression"),
     ("{% if words.answer %}{{ q }}{% endif %}", "words.answer stands within an expression")],
)  # fmt: skip
def test_a_word_that_cannot_be_put_in_place_is_told(tmp_path, monkeypatch, text, told):
    pack = english(tmp_path, monkeypatch)
    path = pack.folder / "tasks" / "gsm8k.yaml"
    path.write_text(path.read_text("utf-8").replace("{{ words.question }}: {{ q }}", text), encoding="utf-8")
    with pytest.raises(ConfigError, match=told) as error:
        Harness(tasks=("gsm8k",)).solutions(pack, limit=1, seed=1)
    assert "gsm8k.yaml" in str(error.value)
    assert error.value.hint


@pytest.mark.slow  # lm-eval's index takes seconds
def test_the_terminal_shows_each_set_apart(checkpoint, local, tmp_path):
    done = CliRunner().invoke(
        cli,
        ["evaluate", checkpoint.model.name, "--language", "de", "--evaluator", "harness", "--limit", "2", "--output", str(tmp_path),
         "--set", 'tasks=["arc_de","leolm_arc_challenge_de","hellaswag_de"]', "--set", "num_fewshot=1"],
    )  # fmt: skip
    assert done.exception is None, done.output
    lines = [line.split()[0] for line in done.output.splitlines() if " n=" in line or line.startswith("set ")]
    assert lines == ["set", *["arc_de"] * 2, *["hellaswag_de"] * 2, "set", *["leolm_arc_challenge_de"] * 2]
    assert "set okapi, asked as plain text\n" in done.output
    assert "set leolm, asked as plain text\n" in done.output


def test_what_the_files_say_is_what_the_fork_ran():
    """Shots of the fork's script for evaluation, and of each task's own file."""
    tasks = ROOT / "languages" / "de" / "tasks" / "leolm"
    shots = {"hellaswag_de": 10, "arc_challenge_de": 25, "truthfulqa_de": 0, "mmlu_de/_template": 5}
    for name, number in shots.items():
        path = next(one for one in (tasks / f"{name}.yaml", tasks / name) if one.is_file())
        assert read_yaml(path)["num_fewshot"] == number
