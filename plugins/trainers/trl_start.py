"""How the worker is started: accelerate with a configuration of ours, and an environment that says what there is to run on."""

import json
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langadapt.errors import ComponentError, ConfigError

WORKER = "langadapt_plugins.trainers.trl_worker"
ACCELERATE = "accelerate.json"
"""The configuration that a training was started with, in its folder `worker`; `trl_join` reads it on other machines."""

_DIVIDED = ("FSDP", "DEEPSPEED", "MEGATRON_LM")


@cache
def scales() -> dict[str, dict[str, Any]]:
    """The ways to share a training that we ship, by name."""
    return tomllib.loads(Path(__file__).with_name("trl_scale.toml").read_text(encoding="utf-8"))


def configuration(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What accelerate is told; raises `ConfigError` where settings and a configuration of one's own do not agree."""
    scale, processes, machines = settings["scale"], settings["processes"], settings["machines"]
    address, _, port = settings["main_address"].rpartition(":")
    meets = {"main_process_ip": address.strip("[]"), "main_process_port": int(port)} if machines > 1 else {}
    told = {
        "compute_environment": "LOCAL_MACHINE",
        "num_processes": processes,
        "num_machines": machines,
        "machine_rank": 0,
        "main_process_port": 0 if processes > 1 else None,
        "mixed_precision": "no" if settings["dtype"] == "float32" else "bf16",
        "use_cpu": False,
        **meets,
    }
    if scale in scales():
        return told | (scales()[scale] if processes > 1 else {"distributed_type": "NO"})
    own = _own(scale)
    differ = [
        f"{name} is {own[name]} there and {told[name]} in the settings (`{ours}`)"
        for name, ours in (
            ("num_processes", "processes"),
            ("num_machines", "machines"),
            ("mixed_precision", "dtype"),
        )
        if own.get(name, told[name]) != told[name]
    ]
    if differ:
        raise ConfigError.of(differ, where=scale, hint="write the same into both")
    if processes > 1 and "beta" in settings and not settings.get("lora") and _read_by_one(own):
        raise ConfigError(
            f"{scale}: TRL 1.16 divides DPO's reference without handing out the weights that one process read",
            hint="write `fsdp_cpu_ram_efficient_loading: false` under `fsdp_config`, or set `lora`",
        )
    return told | own | meets | {"machine_rank": 0}


def _read_by_one(own: Mapping[str, Any]) -> bool:
    """Whether FSDP has one process of a machine read the weights, which is accelerate's default."""
    told = own.get("fsdp_config", {}).get("fsdp_cpu_ram_efficient_loading", True)
    return own.get("distributed_type") == "FSDP" and str(told).lower() == "true"


def wrong(settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with the settings of scale by themselves; a file is read when training begins."""
    scale, processes, machines = settings["scale"], settings["processes"], settings["machines"]
    found = []
    if scale not in scales() and "." not in scale:
        found.append(
            f"scale: {', '.join(scales())}, or the path of an accelerate configuration, not {scale!r}"
        )
    if machines > 1 and processes % machines:
        found.append(f"processes ({processes}) are those of all machines: a multiple of {machines}")
    if machines > 1 and not settings["main_address"].rpartition(":")[2].isdecimal():
        found.append(
            'machines: the others must know where to meet: set main_address = "HOST:PORT" of this machine'
        )
    return found


def divided(settings: Mapping[str, Any]) -> str:
    """What divides weights and states among the processes, in accelerate's words; empty where each process holds all of them."""
    scale = str(settings.get("scale", "ddp"))
    try:
        kind = str((scales().get(scale) or _own(scale)).get("distributed_type"))
    except ConfigError:  # said when training begins
        return ""
    return kind if kind in _DIVIDED and int(settings.get("processes", 1)) > 1 else ""


def command(told: Mapping[str, Any], folder: Path) -> list[str]:
    """The command line: accelerate with a configuration of ours, so that the one in the user's home changes nothing.

    Raises `ComponentError` where DeepSpeed is asked for and not installed.
    """
    if told["distributed_type"] == "DEEPSPEED" and find_spec("deepspeed") is None:
        raise ComponentError(
            "DeepSpeed is not installed", hint="pip install 'langadapt[deepspeed]', or scale = \"fsdp2\""
        )
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / ACCELERATE
    file.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return accelerate(file)


def accelerate(file: Path, *options: str) -> list[str]:
    """`accelerate launch` of the worker with a configuration."""
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(file)]
    return [*launch, *options, "--module", WORKER]


def environment() -> dict[str, str]:
    """What the worker finds in its environment; raises `ComponentError` where torch is missing."""
    try:
        import torch
    except ImportError as error:
        raise ComponentError(f"TRL needs torch: {error}", hint="pip install 'langadapt[train]'") from error
    common = {
        "TQDM_DISABLE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": "600",  # seconds in which a state is saved after SIGTERM
    }
    return common if torch.accelerator.is_available() else common | {"ACCELERATE_USE_CPU": "true"}


def _own(path: str) -> dict[str, Any]:
    import yaml

    try:
        read = yaml.safe_load(Path(path).read_text(encoding="utf-8"))  # JSON is YAML
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(
            f"{path}: not an accelerate configuration: {error}", hint="write one: accelerate config"
        ) from error
    if not isinstance(read, dict):
        raise ConfigError(f"{path}: not an accelerate configuration", hint="write one: accelerate config")
    return read
