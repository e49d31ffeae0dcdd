import json
import sys
from pathlib import Path

import pytest
from tiny import tiny_model

import langadapt
from langadapt import registry
from langadapt.compare.items import scores as compared
from langadapt.compare.sides import Side
from langadapt.config import Builder
from langadapt.errors import ComponentError, ConfigError, DataError
from langadapt.interfaces import Checkpoint, Hypothesis, ModelRef
from langadapt.languages import LanguagePack
from langadapt.progress import Silent
from langadapt_plugins.evaluators.parallel import read_pairs
from langadapt_plugins.evaluators.translation import Translation

TEMPLATE = str(Path(langadapt.__file__).parent / "templates" / "zephyr.jinja")
DE = registry.pack("de")
NOBODY = Checkpoint(name="engine", model=ModelRef("engine"))
ROWS = [
    ("The dog sleeps in the garden.", "Der Hund schläft im Garten."),
    ("The shop is open on Sunday.", "Der Laden ist am Sonntag offen."),
    ("I drink my tea without sugar.", "Ich trinke meinen Tee ohne Zucker."),
    ("Where is the old bridge?", "Wo ist die alte Brücke?"),
]


class Known:
    """Translates what it knows, and what it does not know not at all."""

    output_version = 1
    deterministic = True

    def __init__(self, known):
        self.known_pairs = known

    def translate(self, texts, *, source, target):
        for index, text in reversed(list(enumerate(texts))):
            said = self.known_pairs.get((source.code, target.code, text.text))
            yield index, Hypothesis(text=said or "", finish="stop" if said else "error")

    def close(self):
        pass


@pytest.fixture
def engine(monkeypatch):
    pairs = {("en", "de", a): b for a, b in ROWS[:3]} | {("de", "en", b): a for a, b in ROWS}
    monkeypatch.setattr("langadapt_plugins.evaluators.translation.component_identity", lambda *_: "known")
    return Known(pairs)


def written(path, rows=ROWS, head=""):
    path.write_text(head + "".join(f"{a}\t{b}\n" for a, b in rows), encoding="utf-8")
    return path


def evaluate(made, output, checkpoint=NOBODY, pack=DE, limit=None):
    found = made.evaluate(checkpoint, pack=pack, output=output, limit=limit, seed=1, progress=Silent())
    return {(one.task, one.metric): one for one in found}


def test_the_numbers_and_signatures_are_sacrebleus(engine, tmp_path):
    from sacrebleu.metrics import BLEU, CHRF, TER

    made = Translation(
        pairs=written(tmp_path / "p.tsv"),
        translator=engine,
        direction="both",
        metrics=("BLEU", "chrF", "chrF++", "TER"),
    )
    found = evaluate(made, tmp_path)
    outputs, references = [b for _, b in ROWS[:3]] + [""], [b for _, b in ROWS]
    for name, metric in (("BLEU", BLEU()), ("chrF", CHRF()), ("chrF++", CHRF(word_order=2)), ("TER", TER())):
        whole = metric.corpus_score(outputs, [references])
        one = found["translation-en-de", name]
        assert one.value == whole.score
        assert one.signature.startswith(f"{name}|nrefs:1|")
        assert "|bs:1000|seed:12345|" in one.signature
        assert set(str(metric.get_signature()).split("|")) <= set(one.signature.split("|"))
        assert one.interval[0] <= one.value <= one.interval[1]
        assert one.higher_is_better == (name != "TER")
    assert found["translation-de-en", "chrF"].value == 100
    assert found["translation-de-en", "BLEU"].value == pytest.approx(100)
    assert json.loads((tmp_path / "facts.json").read_text())["en-de"] == {
        "pairs": 4,
        "unfinished": 1,
        "empty": 1,
    }
    kept = [json.loads(line) for line in (tmp_path / "en-de.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["source"], row["reference"], row["output"]) for row in kept][3] == (*ROWS[3], "")
    assert len(kept) == 4


def test_compare_reads_the_segments(engine, tmp_path):
    folder = tmp_path / "run" / "translation"
    found = evaluate(
        Translation(pairs=written(tmp_path / "p.tsv"), translator=engine, direction="both"), folder
    )
    (folder / "scores.json").write_text(json.dumps([vars(one) for one in found.values()]), encoding="utf-8")
    read, _ = compared(Side(label="m", checkpoint="m", language="de", folder=folder.parent, whole_run=False))
    items = {(one.task, one.metric): (len(one.items), one.whole) for one in read}
    assert (
        items["translation-en-de", "sentence-chrF"]
        == items["translation-de-en", "sentence-BLEU"]
        == (4, True)
    )
    assert items["translation-en-de", "BLEU"][0] == 0, "a corpus BLEU is no mean"


def test_the_checkpoint_is_asked_and_asked_once(tmp_path):
    folder = tiny_model(tmp_path / "tiny", [text for row in ROWS for text in row] * 5, positions=700)
    checkpoint = Checkpoint(name="tiny", model=ModelRef(str(folder)), chat_template=TEMPLATE)
    made = Translation(pairs=written(tmp_path / "p.tsv"), max_new_tokens=8, dtype="float32")
    first = evaluate(made, tmp_path / "out", checkpoint, limit=2)
    before = (tmp_path / "out" / "en-de.jsonl").read_bytes()
    assert evaluate(made, tmp_path / "out", checkpoint, limit=2) == first
    assert (tmp_path / "out" / "en-de.jsonl").read_bytes() == before
    assert first["translation-en-de", "BLEU"].n == 2
    asked = made.solutions(DE, limit=1, seed=1)[0]
    assert asked[1] == ROWS[0][1]
    assert "professional translator" in asked[0][0]["content"], "the pack's words"
    bare = made.solutions(LanguagePack.bare("nl"), limit=1, seed=1)[0][0]
    assert "into Dutch" in bare[-1]["content"], "ours, where there is no pack"


def test_any_form_of_a_parallel_file(tmp_path, engine):
    codes = "".join(json.dumps({"translation": {"en": a, "de": b}}) + "\n" for a, b in ROWS)
    plain = "".join(json.dumps({"de": b, "en": a}) + "\n" for a, b in ROWS)
    (tmp_path / "a.jsonl").write_text(codes, encoding="utf-8")
    (tmp_path / "b.jsonl").write_text(plain, encoding="utf-8")
    (tmp_path / "c.en").write_text("\n".join(a for a, _ in ROWS) + "\n", encoding="utf-8")
    (tmp_path / "c.de").write_text("\n".join(b for _, b in ROWS), encoding="utf-8")
    written(tmp_path / "d.tsv", [(b, a) for a, b in ROWS], head="de\ten\n")
    given = [{"pairs": tmp_path / name} for name in ("a.jsonl", "b.jsonl", "d.tsv")]
    given += [
        {"pairs": tmp_path / "c.en", "references": tmp_path / "c.de"},
        {"pairs": written(tmp_path / "e.tsv")},
    ]
    values = {
        evaluate(Translation(**one, translator=engine), tmp_path / f"out{n}")[
            "translation-en-de", "chrF"
        ].signature
        for n, one in enumerate(given)
    }
    assert len(values) == 1


def test_texts_of_any_size_with_any_line_ends(tmp_path):
    def read(data):
        path = tmp_path / "p.tsv"
        path.write_bytes(data)
        return [(one.source, one.target) for one in read_pairs(path, None, (("en",), ("de",)))]

    assert read('\ufeffEN\tDE\r\na\u2028b\t"c\r\n\r\n'.encode()) == [("a\u2028b", '"c')]
    assert read(b"a\rb\tc\n") == [("a\rb", "c")]
    long = "x " * 100_000
    assert read(f"{long}\t{long}".encode()) == [(long.strip(), long.strip())]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no pairs"),
        ("\n\n", "holds no pairs"),
        ("one column\n", "line 1: 1 columns"),
        ("a\tb\tc\n", "line 1: 3 columns"),
        ("en\tde\na tab\twithin\teiner\n", "line 2: 3 columns"),
        ("a\tb\n\tc\n", "line 2: one side is empty"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_bad_files_are_said(tmp_path, text, said):
    path = tmp_path / "p.tsv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=said) as error:
        Translation(pairs=path).check(DE)
    assert error.value.hint


def test_bad_settings_are_said(tmp_path, engine, monkeypatch):
    path = written(tmp_path / "p.tsv")
    (tmp_path / "short.txt").write_text("eins\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"has 4 lines and .* has 1"):
        Translation(pairs=path, references=tmp_path / "short.txt").check(DE)
    with pytest.raises(DataError, match="No such file"):
        Translation(pairs=tmp_path / "none.tsv").check(DE)
    with pytest.raises(ConfigError, match="own language"):
        Translation(pairs=path, other="de").check(DE)
    with pytest.raises(ConfigError, match="no tokenizer 'nix'"):
        Translation(pairs=path, tokenizer="nix").check(DE)
    with pytest.raises(ConfigError, match="rouge"):
        Translation(pairs=path, metrics=("rouge",))
    with pytest.raises(ConfigError, match="belong together"):
        Translation(pairs=path, comet=ModelRef("x"))
    with pytest.raises(ConfigError, match="does not run"):
        Translation(pairs=path, comet=ModelRef("x"), python=tmp_path / "python").check(DE)
    monkeypatch.setattr(
        "sacrebleu.tokenizers.tokenizer_spm.download_file",
        lambda *_: (_ for _ in ()).throw(OSError("no net")),
    )
    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_spm.SACREBLEU_DIR", str(tmp_path))
    with pytest.raises(ComponentError, match=r"flores200 cannot be had: .*(no net|sentencepiece)") as error:
        Translation(pairs=path, tokenizer="flores200").check(DE)
    assert "downloads" in error.value.hint


def test_it_is_built_from_settings_with_an_engine_within(tmp_path):
    from langadapt.config import Layer, leaves

    path = written(tmp_path / "p.tsv")
    table = {
        "pairs": str(path),
        "translator": {"use": "transformers", "model": "pack:mini/translator", "family": "alma"},
    }
    made = Builder(DE, {}).build(
        "evaluator", "translation", leaves(table, Layer("test", tmp_path)), "evaluate.translation"
    )
    assert made.translator is not None
    made.close()
    (tmp_path / "python").symlink_to(sys.executable)
    table = {"pairs": "p.tsv", "comet": "some/model", "python": "python"}
    with pytest.raises(
        ConfigError, match=rf"{tmp_path}/python has no unbabel-comet"
    ):  # not the one that it links to
        Builder(DE, {}).build(
            "evaluator", "translation", leaves(table, Layer("test", tmp_path)), "evaluate.translation"
        )
