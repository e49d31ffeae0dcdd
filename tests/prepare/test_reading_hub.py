"""Data sets of the Hub, read by the real clients from a server on loopback: pinned, streamed, and out of the cache."""

import io
import json

import pytest
from dataset_hub import NAME, SHA, asked, hub

ROWS = [{"instruction": f"Ask {n}.", "input": "", "output": f"Say {n}."} for n in range(300)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
READ = """
source = pinned(source)
source, said = settled(source)
print(json.dumps([source.revision, said, [record.to_row() for record in read_source(source, None)]]))
"""
FAIL = """
try:
    print(json.dumps(["read", list({call}(source) for _ in [0]) and None]))
except LangAdaptError as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""


def parquet():
    import pyarrow as pa
    from pyarrow import parquet as files

    out = io.BytesIO()
    files.write_table(pa.Table.from_pylist(ROWS), out)
    return out.getvalue()


@pytest.mark.parametrize(
    "files",
    [{"data/train-00000-of-00001.parquet": parquet()}, {"train.jsonl": LINES}],
    ids=["parquet", "jsonl"],
)
def test_a_data_set_is_pinned_guessed_told_and_read(tmp_path, files):
    with hub(files) as server:
        revision, said, rows = asked(server, tmp_path, READ)
        assert server.seen.count(f"/api/datasets/{NAME}") == 1
    assert revision == SHA
    assert said == "source.x: columns instruction, input, output are read as `alpaca`"
    assert [row["messages"][1]["content"] for row in rows] == [row["output"] for row in ROWS]
    assert rows[299]["origin"] == {"path": NAME, "revision": SHA, "row": 300}
    assert {row["license"] for row in rows} == {"MIT"}
    assert len({row["id"] for row in rows}) == 300


def test_without_a_network_the_cache_says_the_revision_and_gives_the_rows(tmp_path):
    folder = tmp_path / "hub" / "datasets--own--rows"
    (folder / "snapshots" / SHA).mkdir(parents=True)
    (folder / "snapshots" / SHA / "train.jsonl").write_bytes(LINES)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(SHA)
    revision, _, rows = asked(None, tmp_path, READ, HF_HUB_OFFLINE="1")
    assert (revision, len(rows)) == (SHA, 300)


@pytest.mark.parametrize("call", ["pinned", "settled"])
def test_what_nobody_can_say_is_told(tmp_path, call):
    kind, told = asked(None, tmp_path, FAIL.format(call=call), HF_HUB_OFFLINE="1")
    assert kind == "MachineError"
    assert told.startswith(f"source.x: {'nobody can say' if call == 'pinned' else NAME}")


def test_a_name_that_the_hub_does_not_know(tmp_path):
    script = "source = Source(name='x', path='own/none', stream='sft')\n" + FAIL.format(call="pinned")
    with hub({}) as server:
        kind, told = asked(server, tmp_path, script)
    assert kind == "MachineError"
    assert "own/none" in told
