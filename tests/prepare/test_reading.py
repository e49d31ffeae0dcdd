"""Files of every kind, whole and broken, small and larger than what may be held."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langadapt.errors import DataError
from langadapt.prepare.reading import pinned, rows
from langadapt.prepare.values import json_values
from langadapt.schema import Source

ROWS = [{"text": 'Älter, "quoted"\nand long'}, {"text": "two"}, {"text": "three\u2028"}]


def source(path, **facts):
    return Source(name="x", path=str(path), stream="sft", **facts)


def packed(path, data):
    import pyarrow as pa

    if path.suffix == ".zst":
        with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as out:
            out.write(data)
    else:
        pack = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}.get(path.suffix, bytes)
        path.write_bytes(pack(data))
    return path


def written(kind):
    """The rows as a file of a kind."""
    if kind == ".csv":
        out = io.StringIO(newline="")
        table = csv.DictWriter(out, ["text"])
        table.writeheader()
        table.writerows(ROWS)
        return out.getvalue().encode()
    if kind == ".json":
        return json.dumps(ROWS, indent=2).encode()
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()


@pytest.mark.parametrize("pack", ["", ".gz", ".bz2", ".xz", ".zst", ".GZ"])
@pytest.mark.parametrize("kind", [".jsonl", ".ndjson", ".json", ".csv"])
def test_a_file_in_any_packing(tmp_path, kind, pack):
    if pack == ".GZ":
        path = tmp_path / f"rows{kind.upper()}.GZ"
        path.write_bytes(gzip.compress(written(kind)))
    else:
        path = packed(tmp_path / f"rows{kind}{pack}", written(kind))
    assert [row for _, _, row in rows(source(path))] == ROWS


def test_places(tmp_path):
    path = tmp_path / "rows.json"
    path.write_bytes(written(".json"))
    assert [(where, number) for where, number, _ in rows(source(path))][1] == (f"{path}, line 5", 2)
    path.write_text(json.dumps(ROWS), encoding="utf-8")
    assert [place[:2] for place in rows(source(path))] == [(f"{path}, line 1", n) for n in (1, 2, 3)]
    path = tmp_path / "rows.csv"
    path.write_bytes(written(".csv"))
    assert [number for _, number, _ in rows(source(path))] == [2, 4, 5]
    path = tmp_path / "rows.txt"
    path.write_text("\ufefffirst\n\n  third \r\n", encoding="utf-8")
    assert list(rows(source(path))) == [
        (f"{path}, line 1", 1, {"text": "first"}), (f"{path}, line 3", 3, {"text": "third"}),
    ]  # fmt: skip


def test_two_frames_of_zstandard_are_one_file(tmp_path):
    one, two = (
        packed(tmp_path / "a.jsonl.zst", b'{"a": 1}\n'),
        packed(tmp_path / "b.jsonl.zst", b'{"a": 2}\n'),
    )
    both = tmp_path / "c.jsonl.zst"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    assert [row["a"] for _, _, row in rows(source(both))] == [1, 2]


def test_parquet(tmp_path):
    import datetime as dt

    import pyarrow as pa
    from pyarrow import parquet

    table = [
        {"text": f"row {n}", "score": float("nan"), "day": dt.date(2024, 1, 2), "raw": b"\0"}
        for n in range(500)
    ]
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.Table.from_pylist(table), path, row_group_size=100)
    found = list(rows(source(path)))
    assert len(found) == 500
    assert found[499] == (
        f"{path}, row 500", 500, {"text": "row 499", "score": None, "day": "2024-01-02", "raw": None},
    )  # fmt: skip
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="after row 0"):
        list(rows(source(path)))
    path.with_suffix(".parquet.gz").write_bytes(b"x")
    with pytest.raises(DataError, match="compressed within"):
        list(rows(source(path.with_suffix(".parquet.gz"))))


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.jsonl", b'{"a": 1}\n{"a": \n', "line 2: not JSON"),
        ("a.jsonl.gz", gzip.compress(b'{"a": 1}\n{"a": \n', mtime=0), "line 2: not JSON"),
        ("a.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 9999, mtime=0)[:-9], "Compressed file ended"),
        ("a.jsonl.gz", b"no gzip at all", "Not a gzipped file"),
        ("a.jsonl.xz", b"no xz at all", "Input format not supported"),
        ("a.jsonl.bz2", b"no bz2 at all", "Invalid data stream"),
        ("a.jsonl.zst", b"no zstandard at all", "zst"),
        ("a.json", b'[{"a": 1},\n{"a": 2} {"a": 3}]', "line 2: not JSON .a comma"),
        ("a.json", b'[{"a": 1},\n', "line 2: not JSON"),
        ("a.json", b'[{"a": 1}]\n]', "line 2: not JSON .something stands behind"),
        ("a.json", b'[{"a": 1},\n{"a": "open]', "line 2: not JSON .Unterminated"),
        ("a.json", b'[{"a": NaN}]', "line 1: not JSON .NaN"),
        ("a.json", b'[{"a": "\\ud800"}]', "line 1: holds half a character"),
        ("a.json", b"[" * 100_000, "line 1: not JSON"),
        ("a.json", b'[{"a": "\xff"}]', "not UTF-8"),
        ("a.csv", b"a,b\n1,2\n1\n", "line 3: 1 cells under 2"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n", "line 3: 3 cells under 2"),
        ("a.csv", b"a,a\n1,2\n", "line 1: two columns"),
        ("a.csv", b'a,b\n1,"2\n', "line 2: unexpected end of data"),
        ("a.csv", b'"a,b\n', "line 1: unexpected end of data"),
        ("a.csv", b"a\n\xff\n", "not UTF-8"),
        ("a.txt", b"fine\n\xff\n", "line 2: not UTF-8"),
        ("a.parquet", b"PAR1 not", "after row 0"),
        ("a.docx", b"x", "of no kind that is read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_broken_is_named_with_its_place(tmp_path, name, data, told):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DataError, match=told) as caught:
        list(rows(source(path)))
    assert str(path) in str(caught.value)
    assert caught.value.hint


def test_what_is_not_there(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        list(rows(source(tmp_path / "none.jsonl.gz")))
    with pytest.raises(DataError, match="does not exist"):
        list(rows(source("none.csv")))


@pytest.mark.parametrize("data", [b"", b"\n \n", b"[]", b"[ \n ]"])
def test_nothing_is_no_row(tmp_path, data):
    for name in ("a.json", "a.jsonl", "a.csv", "a.txt"):
        if (name != "a.json" and b"[" in data) or (name == "a.csv" and data):
            continue
        (tmp_path / name).write_bytes(data)
        assert not list(rows(source(tmp_path / name)))


def test_a_long_cell_is_read_and_the_limit_of_others_stays(tmp_path):
    before = csv.field_size_limit()
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "x" * 200_000 + "\nshort\n")
    found = rows(source(path))
    assert len(next(found)[2]["text"]) == 200_000
    assert csv.field_size_limit() == before


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(DataError, match="no regular file"):
        list(rows(source(tmp_path / "a.csv")))


def test_a_local_source_is_pinned_to_nothing(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("{}\n")
    assert pinned(source(path)) == source(path)
    commit = source("own/rows", revision="a" * 40)
    assert pinned(commit) is commit


def test_a_folder_is_read_by_the_library_that_reads_the_hub(tmp_path):
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "train.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    assert [row["text"] for _, _, row in rows(source(tmp_path / "rows"))] == ["one", "two"]
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"source.x: the folder .*none cannot be read"):
        list(rows(source(tmp_path / "none")))
    (tmp_path / "rows" / "train.jsonl").write_text('{"text": "one"}\n{"text": \n')
    with pytest.raises(DataError, match=r"source.x: the folder .*rows cannot be read") as caught:
        list(rows(source(tmp_path / "rows")))
    assert "network" not in caught.value.hint


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda below: st.lists(below) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), below),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(JSON), st.sampled_from([None, 1]), st.integers(1, 7))
def test_json_in_any_pieces_is_what_json_says(values, indent, piece):
    class Slow(io.StringIO):
        def read(self, _=-1):
            return super().read(piece)

    text = json.dumps(values, indent=indent, ensure_ascii=False)
    found = list(json_values(Slow(text), "rows.json"))
    assert [value for _, value in found] == values
    lines = "\n".join(json.dumps(value) for value in values)
    if values and not isinstance(values[0], list):
        one_by_one = list(json_values(Slow(lines), "rows.json"))
        assert [value for _, value in one_by_one] == values
        assert [line for line, _ in one_by_one] == list(range(1, len(values) + 1))


@pytest.mark.parametrize("name", ["big.json", "big.jsonl.gz", "big.csv"])
def test_a_file_is_streamed(tmp_path, name):
    """200 MB of rows are read by a process that holds no more than after the first row."""
    path, row = tmp_path / name, {"text": "word " * 4000}
    many = 10_000
    line = json.dumps(row).encode()
    if name == "big.json":
        path.write_bytes(b"[" + b",\n".join([line] * many) + b"]")
    elif name == "big.csv":
        path.write_bytes(b"text\n" + (row["text"].encode() + b"\n") * many)
    else:
        with gzip.open(path, "wb", compresslevel=1) as out:
            for _ in range(many):
                out.write(line + b"\n")
    script = (
        "from langadapt.schema import Source\nfrom langadapt.prepare.reading import rows\n"
        "def most():\n"  # not `ru_maxrss`, which a process has from the one that started it
        "    return next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        f"source = Source(name='x', path={str(path)!r}, stream='s')\n"
        "next(iter(rows(source)))\nheld = most()\n"
        "count = sum(len(row['text']) for _, _, row in rows(source))\n"
        "print(count, (most() - held) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    count, grown = map(int, done.stdout.split())
    assert count == many * 20_000
    assert grown < 20, f"{grown} MB more than after the first row"
