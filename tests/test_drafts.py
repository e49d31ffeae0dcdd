"""Files that are there whole or not at all, whoever else writes beside them."""

import os
import subprocess
import sys

from langadapt.drafts import drafting

KILLED = """
import os, signal, sys
from pathlib import Path
from langadapt.drafts import drafting
with drafting(Path(sys.argv[1])) as out:
    out.write("lost")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write(path, text):
    with drafting(path) as out:
        out.write(text)


def test_files_of_others_with_names_like_a_draft_stay(tmp_path):
    for name in ("rows.part", ".rows.part", ".rows.1.part"):
        (tmp_path / name).write_text("mine")
    write(tmp_path / "rows", "new")
    assert names(tmp_path) == [".rows.1.part", ".rows.part", "rows", "rows.part"]
    assert (tmp_path / "rows.part").read_text() == "mine"


def test_of_two_that_write_at_once_the_last_one_stands_whole(tmp_path):
    path = tmp_path / "rows"
    with drafting(path) as first:
        first.write("first " * 10_000)
        with drafting(path) as second:
            second.write("second")
            second.flush()
            first.flush()
        assert path.read_text() == "second"
    assert path.read_text() == "first " * 10_000
    assert names(tmp_path) == ["rows"]


def test_what_a_killed_process_left_goes_with_the_next_draft(tmp_path):
    path = tmp_path / "rows[1]"
    subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert len(names(tmp_path)) == 1
    write(path, "new")
    assert names(tmp_path) == ["rows[1]"]


def test_a_file_has_the_rights_that_the_user_gives_new_files(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "rows", "")
    finally:
        os.umask(before)
    assert (tmp_path / "rows").stat().st_mode & 0o777 == 0o640
