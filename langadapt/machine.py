"""What this machine has to run on."""

import os
import resource
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from langadapt.languages import read_toml


@dataclass(frozen=True)
class Hardware:
    """One device of `hardware.toml`: memory in GiB, dense bfloat16 TFLOP/s, watts, and what an hour of it is rented for in US dollars."""

    name: str
    title: str
    memory: float
    tflops: float
    watts: float
    hour: float
    source: str
    match: Sequence[str] = ()
    utilisation: Sequence[float] = ()

    @property
    def accelerator(self) -> bool:
        """Whether it is none of the CPU."""
        return self.name != "cpu"


@cache
def hardware() -> Mapping[str, Hardware]:
    """Every device of `hardware.toml`."""
    table = read_toml(Path(__file__).with_name("hardware.toml"))
    return {name: Hardware(name, **row) for name, row in table.items()}


def recognised(device: str) -> Hardware | None:
    """The device that PyTorch calls by that name."""
    words = device.upper()
    known = (one for one in hardware().values() if one.match)
    return next((one for one in known if all(word.upper() in words for word in one.match)), None)


def accelerator() -> str:
    """The accelerator's name; empty where there is none that PyTorch can use."""
    try:
        import torch
    except ModuleNotFoundError:
        return ""
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name(0))
    if torch.backends.mps.is_available():
        return "Apple GPU"
    return ""


def most_held() -> int:
    """The most memory that this process has held at a time, in bytes.

    Linux tells it by itself; its `getrusage` names what the process that started this one has held, where that was more.
    """
    status = Path("/proc/self/status")
    told = (
        status.read_bytes().splitlines() if status.exists() else []
    )  # the name of a process may be anything
    kilobytes = next((int(line.split()[1]) for line in told if line.startswith(b"VmHWM")), None)
    if kilobytes is None:
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return used if sys.platform == "darwin" else used * 1024
    return kilobytes * 1024


def describe(folder: Path = Path()) -> dict[str, str]:
    """Processor count, memory, free disk and Python, as a reader wants them."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "python": sys.version.split()[0],
        "processors": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "free disk": f"{shutil.disk_usage(folder.resolve()).free / 2**30:.0f} GiB",
        "accelerator": accelerator() or "none",
    }
