"""Units to files and back: nothing is lost on the way, and what is wrong is told with its line."""

import csv
import itertools
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langadapt.errors import ConfigError, DataError, MachineError
from langadapt.exchange import Findings, read_units, write_units
from langadapt.holdings import Selection, Unit, correct, units
from langadapt.interfaces import Hypothesis
from langadapt.memory import Entry, TranslationMemory

PAIR = {"source": "en", "target": "de"}
HARD = [
    ("Use <x1> and <x2> & 'go' \"home\" > 1", "<x2>, <x1> & \"heim\" 'x' < 2"),
    ("tabs", "a\tb\t"),
    ("a\nb\r\nc\rd\u0085e\u2028f", "lines"),
    ("right to left", "\u200fשלם <b>רב</b> مرحبا"),
    ("emoji 👩‍👩‍👧", "👨‍🚀 e\u0301 \U0001f3f4"),
    ("control \x00\x0b\x1f\ufffe\uffff", "\x01 a \x08\x7f\x9f ]]> \uffff"),
    ('" a mark at the start', '"so" a mark'),
    ("=1+1", "  rims  "),
    ("&lt;x1&gt; &amp; U+000B", "so <ph x='1'/> <!-- c --> &#0;"),
]


def read(path, **changes):
    found = Findings(path)
    return list(read_units(path, found, **PAIR | changes)), found


def tmx(path, body, doctype="", languages=("en", "de")):
    texts = body if isinstance(body, str) else "".join(
        f"<tu>{''.join(f'<tuv xml:lang={code!r}><seg>{text}</seg></tuv>' for code, text in zip(languages, unit, strict=True))}</tu>\n"
        for unit in body
    )  # fmt: skip
    path.write_text(
        f'<?xml version="1.0"?>\n{doctype}\n<tmx version="1.4"><header/>\n<body>\n{texts}</body></tmx>',
        "utf-8",
    )
    return path


@pytest.mark.parametrize("suffix", [".tmx", ".tsv"])
def test_hard_texts_come_back_as_they_went(tmp_path, suffix):
    path = tmp_path / f"units{suffix}"
    went = [
        Unit(source=source, target=target, made="2026-01-31 10:20:30", translator='T(a="<\x00>")')
        for source, target in HARD
    ]
    assert write_units(path, went, **PAIR) == len(HARD)
    back, _ = read(path)
    assert [(unit.source, unit.target, unit.fault) for unit in back] == [(*pair, "") for pair in HARD]
    assert list(tmp_path.iterdir()) == [path]


@settings(max_examples=200)
@given(
    pairs=st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\t\n\r\"'<>&\x0b")),
            st.text(st.characters(exclude_categories=["Cs"])),
            st.sampled_from(["", "<x1>", "<x1> <x2>", "<x007>", "<x٣>"]),
        ),
        min_size=1,
    )
)
@pytest.mark.parametrize("suffix", [".tmx", ".tsv"])
def test_any_text_comes_back_as_it_went(tmp_path_factory, suffix, pairs):
    path = tmp_path_factory.mktemp("units") / f"units{suffix}"
    went = [Unit(source=source + marks, target=marks + target) for source, target, marks in pairs]
    write_units(path, went, **PAIR)
    assert [(unit.source, unit.target) for unit in read(path)[0]] == [
        (unit.source, unit.target) for unit in went
    ]


@pytest.mark.parametrize("suffix", [".tmx", ".tsv"])
def test_a_memory_goes_out_and_into_another(tmp_path, suffix):
    path = tmp_path / f"units{suffix}"
    with (
        closing(TranslationMemory(tmp_path / "one")) as one,
        closing(TranslationMemory(tmp_path / "two")) as two,
    ):
        for source, target in HARD:
            one.remember(Entry("t", "en", "de", " ".join(source.split())), Hypothesis(text=target))
        correct(one, [Unit(source="tabs", target="Tabs")], **PAIR, judge=list)
        write_units(path, units(one, Selection(**PAIR)), **PAIR)
        for memory, new, foreign in ((one, 0, 0), (two, 1, len(HARD) - 1)):
            found = Findings(path)
            done = correct(memory, read_units(path, found, **PAIR), **PAIR, judge=found.judge)
            assert (done.new, done.foreign, done.unchanged) == (new, foreign, len(HARD) - new - foreign)
        assert [(unit.source, unit.target) for unit in units(two, Selection(**PAIR))] == [("tabs", "Tabs")]


@pytest.mark.parametrize("suffix", [".tmx", ".tsv"])
def test_a_models_unit_is_a_correction_only_where_that_models_text_was_changed(tmp_path, suffix):
    path = tmp_path / f"units{suffix}"
    ours, other = "a" * 12, "b" * 12
    with closing(TranslationMemory(tmp_path / "memory")) as memory:
        for text in ("same", "edited", "of another"):
            memory.remember(Entry(ours * 4, "en", "de", text), Hypothesis(text="gut"))
        went = [
            Unit(source="same", target="gut", origin="model", translator=f"T [{ours}]"),
            Unit(source="edited", target="besser", origin="model", translator=f"T [{ours}]"),
            Unit(source="of another", target="anders", origin="model", translator=f"T [{other}]"),
            Unit(source="not here", target="neu", origin="model"),
        ]
        write_units(path, went, **PAIR)
        done = correct(memory, read_units(path, Findings(path), **PAIR), **PAIR, judge=list)
        assert (done.new, done.unchanged, done.foreign) == (1, 1, 2)
        said = [unit.source for unit in units(memory, Selection(), corrections_only=True)]
        assert said == ["edited"]


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("one\ntwo", "lines: "),
        ("- one", "structure: "),
        ("# one", "structure: "),
        ("one <x1>", "placeholders: "),
    ],
)
def test_a_correction_that_no_text_can_take_is_told(tmp_path, target, why):
    path = tmp_path / "units.tsv"
    write_units(path, [Unit(source="- one" if target == "* one" else "one", target=target)], **PAIR)
    assert read(path)[0][0].fault.startswith(why)


def test_a_long_cell_is_read_and_other_tables_keep_their_limit(tmp_path):
    path = tmp_path / "units.tsv"
    before = csv.field_size_limit()
    write_units(path, [Unit(source="a", target="b" * (before + 1))], **PAIR)
    assert len(read(path)[0][0].target) == before + 1
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.tmx", "<html/>", "begins with <html>"),
        ("a.tmx", "", "no element found"),
        ("a.tmx", "<?xml version='1.0' encoding='utf-99'?><tmx/>", "encoding"),
        ("a.tmx", "<tmx><body/></tmx>", "holds no unit from en to de"),
        ("a.tsv", "", "line 1: the columns are not named"),
        ("a.tsv", "en\tde\na\tb\n", "line 1: the columns are en, de"),
        ("a.tsv", "source\ttarget\tsource\n", "line 1: the columns"),
        ("a.tsv", "source\ttarget\n", "holds no unit"),
        ("a.tsv", 'source\ttarget\na\tb\n"Hi," he said\tx\n', "line 3: "),
        ("a.tsv", 'source\ttarget\na\tb\n"open\tx\nc\td\n', "line 3: "),
        ("a.tsv", b"source\ttarget\n\xff\tb\n", "not UTF-8"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_understood(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=says) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint


def test_a_name_that_is_no_format_and_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="neither TMX nor TSV"):
        read(tmp_path / "units.xlsx")
    for suffix in (".tmx", ".TSV"):
        with pytest.raises(DataError, match="No such file"):
            read(tmp_path / f"units{suffix}")


def test_rows_of_a_table(tmp_path):
    path = tmp_path / "units.tsv"
    path.write_text(
        "\ufeffnote\tsource\ttarget\tmore\n"
        'x\t"two\nlines"\tzwei\ty\n'
        "\n"
        "x\ta\tb\n"
        "x\tonly\n"
        "x\ta\tb\tc\td\n"
        "x\t \tb\n"
        "x\ta\t\n"
        "x\tgo <x1> <x2>\t<x1> geh\n"
        "x\tgo <x1> <x1>\t<x1> <x1>\n",
        "utf-8",
    )
    found, _ = read(path)
    assert [(unit.line, unit.source) for unit in found if not unit.fault] == [(2, "two\nlines"), (5, "a")]
    assert [(unit.line, unit.fault) for unit in found if unit.fault] == [
        (6, "2 of 4 cells, source or target not among them"),
        (7, "5 cells where 4 columns are named"),
        (8, "the source is empty"),
        (9, "the target is empty"),
        (10, "placeholders: <x1> came back where 2 went out"),
        (11, "the source holds a placeholder twice: <x1>, <x1>"),
    ]


def test_mistakes_are_told_first_ones_first_and_stop_all_unless_skipped(tmp_path):
    path = tmp_path / "units.tsv"
    path.write_text(
        "source\ttarget\n" + "".join(f"a {number}\t{'' if number else 'b'}\n" for number in range(15))
    )
    with closing(TranslationMemory(tmp_path / "memory")) as memory:
        found = Findings(path)
        with pytest.raises(DataError, match="and 4 more") as caught:
            correct(memory, read_units(path, found, **PAIR), **PAIR, judge=found.judge)
        assert f"{path}, line 3: the target is empty" in str(caught.value)
        assert "line 13" not in str(caught.value)
        assert "--skip-bad" in caught.value.hint
        assert not list(units(memory, Selection()))
        found = Findings(path, skip_bad=True)
        assert correct(memory, read_units(path, found, **PAIR), **PAIR, judge=found.judge).new == 1
        assert found.wrong == 14


@pytest.mark.parametrize(
    ("asked", "codes", "result"),
    [
        (("en", "de"), ("en-US", "de-DE"), "en-US for en"),
        (("en", "de"), ("EN", "de_DE"), "de_DE for de"),
        (("en", "de-AT"), ("en", "de"), "de for de-AT"),
        (("en", "de-AT"), ("en", "de-DE"), "no text in de-AT"),
        (("en", "zh-Hant"), ("en", "zh-TW"), "zh-TW for zh-Hant"),
        (("en", "zh-Hant"), ("en", "zh-CN"), "no text in zh-Hant"),
        (("en", "sr"), ("en", "sr-Latn"), "no text in sr"),
        (("en", "de"), ("de-DE", "de-AT"), "several texts in de"),
        (("en", "en-GB"), ("en-GB", "en-US"), "en-US for en"),
        (("en", "de"), ("en", "?"), "no text in de"),
    ],
)  # fmt: skip
def test_codes_are_taken_for_others_only_where_that_is_safe(tmp_path, asked, codes, result):
    unit = tmx(tmp_path / "units.tmx", [("one", "two")], languages=codes)
    found = Findings(unit)
    taken = read_units(unit, found, source=asked[0], target=asked[1])
    if " for " in result:
        assert len(list(taken)) == 1
        assert found.taken_from[result] == 1
    else:
        with pytest.raises(DataError, match=result):
            list(taken)


def test_an_exact_code_goes_before_a_close_one(tmp_path):
    body = "<tu><tuv xml:lang='de-AT'><seg>Jänner</seg></tuv><tuv xml:lang='de'><seg>Januar</seg></tuv><tuv lang='en'><seg>January</seg></tuv></tu>"
    path = tmx(tmp_path / "units.tmx", body)
    assert [unit.target for unit in read(path)[0]] == ["Januar"]
    assert [unit.target for unit in read(path, target="de-AT")[0]] == ["Jänner"]


def test_units_come_while_the_file_is_read(tmp_path):
    path = tmx(tmp_path / "units.tmx", [(f"a {number}", "b") for number in range(5_000)])
    with path.open("a") as more:
        more.write("</broken>")
    first = list(itertools.islice(read_units(path, Findings(path), **PAIR), 1000))
    assert [unit.source for unit in first] == [f"a {number}" for number in range(1000)]


def test_a_file_is_there_only_when_whole(tmp_path):
    path = tmp_path / "units.tsv"

    def broken():
        yield Unit(source="a", target="b")
        raise MachineError("the memory went away")

    with pytest.raises(MachineError, match="went away"):
        write_units(path, broken(), **PAIR)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="cannot be written"):
        write_units(tmp_path / "file" / "units.tsv", [], **PAIR)


def test_a_table_opens_in_csv_readers_as_it_is(tmp_path):
    path = tmp_path / "units.tsv"
    write_units(
        path, [Unit(source="a", target='b "c"\td', origin="model", translator="T", made="2026")], **PAIR
    )
    with path.open(newline="", encoding="utf-8") as text:
        assert list(csv.DictReader(text, dialect="excel-tab")) == [
            {"source": "a", "target": 'b "c"\td', "origin": "model", "translator": "T", "made": "2026"}
        ]
