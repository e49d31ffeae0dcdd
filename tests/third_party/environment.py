"""An environment of its own for a package that is not ours: it sees what this one has, and its own wheel on top."""

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """A folder with a Python and the commands that were installed into it."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Environment":
        """Nothing is downloaded: pip and all libraries are those of the environment that runs the tests."""
        venv.create(folder, with_pip=False)
        made = cls(folder)
        (made.site / "beside.pth").write_text(
            f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
        )
        return made

    @property
    def site(self) -> Path:
        return (
            self.folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        )

    def install(self, project: Path, into: Path) -> None:
        """Build the project's wheel from a copy and install it."""
        import shutil

        tree = into / project.name
        shutil.copytree(project, tree)
        build = [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(into / "dist"),
            str(tree),
        ]
        subprocess.run(build, check=True, capture_output=True, text=True)
        (wheel,) = (into / "dist").glob(f"{project.name.replace('-', '_')}-*.whl")
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(self.folder / "bin" / "python"),
            "install",
            "--quiet",
        ]
        subprocess.run(
            [*pip, "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True, text=True
        )

    def python(self, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run its Python in a folder."""
        environment = {
            key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")
        }
        command = [str(self.folder / "bin" / "python"), *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=folder, env=environment
        )

    def langadapt(self, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run its langadapt in a folder."""
        return self.python("-m", "langadapt", *words, folder=folder)
