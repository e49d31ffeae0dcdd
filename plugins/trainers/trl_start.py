"""How the worker is started: accelerate with a configuration of ours, and an environment that says what there is to run on."""

import json
import sys
from pathlib import Path

from langadapt.errors import ComponentError

_WORKER = "langadapt_plugins.trainers.trl_worker"


def command(processes: int, folder: Path) -> list[str]:
    """The command line: accelerate with a configuration of ours, so that the one in the user's home changes nothing."""
    settings = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "MULTI_GPU"
        if processes > 1
        else "NO",  # MULTI_CPU would start one process without a word
        "num_processes": processes,
        "num_machines": 1,
        "machine_rank": 0,
        "main_process_port": 0 if processes > 1 else None,
        "mixed_precision": "no",  # TRL's own argument says it
        "use_cpu": False,
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "accelerate.json"
    file.write_text(json.dumps(settings, indent=1), encoding="utf-8")
    return [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--config_file",
        str(file),
        "--module",
        _WORKER,
    ]


def environment() -> dict[str, str]:
    """What the worker finds in its environment; raises `ComponentError` where torch is missing."""
    try:
        import torch
    except ImportError as error:
        raise ComponentError(f"TRL needs torch: {error}", hint="pip install 'langadapt[train]'") from error
    common = {"TQDM_DISABLE": "1", "TOKENIZERS_PARALLELISM": "false"}
    return common if torch.accelerator.is_available() else common | {"ACCELERATE_USE_CPU": "true"}
