"""What this machine has to run on."""

import os
import shutil
import sys
from pathlib import Path


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
