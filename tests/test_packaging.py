"""The wheel holds every file that a run needs."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"langadapt": "langadapt", "languages": "langadapt_languages", "plugins": "langadapt_plugins"}


@pytest.mark.slow
def test_the_wheel_holds_what_the_tree_holds(tmp_path):
    tree = tmp_path / "tree"
    for name in FOLDERS:
        # What another process is compiling stands there under such a name for a moment.
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("*.pyc.*"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(tree)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        held = set(wheel.namelist())
    wanted = {
        f"{installed}/{path.relative_to(tree / name).as_posix()}"
        for name, installed in FOLDERS.items()
        for path in (tree / name).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert len(wanted) > 150
    assert not wanted - held
    extra = {name for name in held - wanted if ".dist-info/" not in name}
    assert not extra
