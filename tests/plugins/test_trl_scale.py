"""Several processes and machines: what accelerate is told, and real trainings of two processes beside one."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from test_trl import KINDS, SMALL, conversation, job_in, weights
from tiny import tiny_model

from langadapt.errors import ComponentError, ConfigError
from langadapt.progress import Silent
from langadapt_plugins.trainers import trl_start
from langadapt_plugins.trainers.trl import TrlDpo, TrlSft
from langadapt_plugins.trainers.trl_join import begun

EIGHT = {"scale": "ddp", "processes": 8, "machines": 1, "main_address": "", "dtype": "mixed"}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    texts = [turn["content"] for i in range(100) for turn in conversation(i)["messages"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield tiny_model(tmp_path_factory.mktemp("base"), texts)


def read_by_accelerate(file):
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    told = launch_command_parser().parse_args(["--config_file", str(file), "--module", "worker", "job.json"])
    return _validate_launch_command(told)


@pytest.mark.parametrize("scale", trl_start.scales())
def test_accelerate_reads_what_we_ship(scale, tmp_path, monkeypatch):
    monkeypatch.setattr(trl_start, "find_spec", lambda name: True)  # DeepSpeed is not installed here
    told = trl_start.configuration({**EIGHT, "scale": scale})
    words = trl_start.command(told, tmp_path)
    assert words[-2:] == ["--module", trl_start.WORKER]
    args, _, _ = read_by_accelerate(tmp_path / trl_start.ACCELERATE)
    assert [args.multi_gpu, args.use_fsdp, args.use_deepspeed] == [
        scale == name for name in ("ddp", "fsdp2", "zero3")
    ]
    assert (args.num_processes, args.mixed_precision) == (8, "bf16")
    assert bool(trl_start.divided({**EIGHT, "scale": scale})) == (scale != "ddp")
    if scale == "fsdp2":
        assert (args.fsdp_version, args.fsdp_state_dict_type) == (2, "SHARDED_STATE_DICT")
    if scale == "zero3":
        from accelerate.utils import DeepSpeedPlugin
        from accelerate.utils.launch import prepare_deepspeed_cmd_env

        args.deepspeed_fields_from_accelerate_config = ""
        for name, value in prepare_deepspeed_cmd_env(args)[1].items():
            monkeypatch.setenv(name, value)
        zero = DeepSpeedPlugin().deepspeed_config["zero_optimization"]
        assert (zero["stage"], zero["stage3_gather_16bit_weights_on_model_save"]) == (3, True)


def test_one_process_shares_nothing():
    one = {**EIGHT, "scale": "fsdp2", "processes": 1, "dtype": "float32"}
    told = trl_start.configuration(one)
    assert (told["distributed_type"], told["mixed_precision"]) == ("NO", "no")
    assert "fsdp_config" not in told
    assert not trl_start.divided(one)


def test_deepspeed_that_is_not_installed_is_said_before_anything_starts(tmp_path):
    with pytest.raises(ComponentError, match="DeepSpeed is not installed"):
        trl_start.command(trl_start.configuration({**EIGHT, "scale": "zero3"}), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"scale": "fsdp3"}, "ddp, fsdp2, zero3, or the path of an accelerate configuration, not 'fsdp3'"),
        ({"machines": 2, "processes": 2}, "set main_address"),
        ({"machines": 2, "processes": 2, "main_address": "host"}, "set main_address"),
        ({"machines": 3, "processes": 8, "main_address": "host:29500"}, "a multiple of 3"),
        ({"machines": 0}, "machines must be at least 1"),
        ({"arguments": {"fsdp": "full_shard"}}, "set `scale` instead"),
        ({"arguments": {"deepspeed": "zero3.json"}}, "set `scale` instead"),
    ],
)
def test_wrong_scales_are_refused(settings, said):
    with pytest.raises(ConfigError, match=said):
        TrlSft(**settings)


def test_a_configuration_of_ones_own(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("distributed_type: FSDP\nnum_processes: 8\nfsdp_config:\n  fsdp_version: 2\n")
    told = trl_start.configuration({**EIGHT, "scale": str(own)})
    assert (told["distributed_type"], told["fsdp_config"], told["num_machines"]) == (
        "FSDP",
        {"fsdp_version": 2},
        1,
    )
    assert trl_start.divided({**EIGHT, "scale": str(own)}) == "FSDP"
    for loading, refused in (("", True), ("  fsdp_cpu_ram_efficient_loading: false\n", False)):
        own.write_text(f"distributed_type: FSDP\nfsdp_config:\n  fsdp_version: 2\n{loading}")
        dpo = {**EIGHT, "scale": str(own), "beta": 0.1}
        assert "fsdp_config" in trl_start.configuration({**dpo, "lora": 8})
        with pytest.raises(ConfigError, match="DPO's reference") if refused else nullcontext():
            trl_start.configuration(dpo)
    own.write_text("num_processes: 4\nmixed_precision: fp16\n")
    with pytest.raises(
        ConfigError, match=r"(?s)num_processes is 4 there and 8 .*mixed_precision is fp16 there and bf16"
    ):
        trl_start.configuration({**EIGHT, "scale": str(own)})
    for text in ("- a list", "{", "\0"):
        own.write_text(text)
        with pytest.raises(ConfigError, match="not an accelerate configuration"):
            trl_start.configuration({**EIGHT, "scale": str(own)})
    with pytest.raises(ConfigError, match="not an accelerate configuration"):
        trl_start.configuration({**EIGHT, "scale": "missing.yaml"})


def test_adapters_under_fsdp_take_their_reference_in_each_step():
    shared = {"processes": 2, "batch_size": 8, "per_device_batch_size": 4}
    for scale, lora, before in (("ddp", 8, True), ("fsdp2", 0, True), ("fsdp2", 8, False)):
        made = TrlDpo(**shared, scale=scale, lora=lora).trl_arguments()
        assert made["precompute_ref_log_probs"] is before


def test_several_machines_meet_where_it_is_said():
    told = trl_start.configuration({**EIGHT, "machines": 2, "main_address": "[fd00::1]:29500"})
    assert (told["main_process_ip"], told["main_process_port"], told["num_machines"]) == (
        "fd00::1",
        29500,
        2,
    )


def test_a_further_machine_takes_what_goes_on(tmp_path):
    def write(name, machines, *files):
        folder = tmp_path / "train" / name / "worker"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / trl_start.ACCELERATE).write_text(json.dumps({"num_machines": machines}))
        for file in files:
            (folder / file).write_text("{}")
            later = time.time_ns() + 10**9
            os.utime(folder / file, ns=(later, later))
        return folder

    assert begun(tmp_path) is None
    write("alone", 1, "job.json")
    write("done", 2, "job.json", "result.json")
    write("not-yet", 2)
    assert begun(tmp_path) is None
    folder = write("now", 2, "job.json")
    job, when = begun(tmp_path)
    assert job == folder / "job.json"
    write("now", 2)
    os.utime(folder / trl_start.ACCELERATE, ns=(when + 1, when + 1))  # machine 0 starts it again
    assert begun(tmp_path) is None
    write("now", 2, "job.json")
    assert begun(tmp_path)[1] != when
    (folder / trl_start.ACCELERATE).write_text('{"num_mach')
    assert begun(tmp_path) is None


def settings(kind, **more):
    return {**SMALL, **KINDS[kind][1], "epochs": 2.0, "per_device_batch_size": 2, "attention": "sdpa", **more}


def losses(checkpoint):
    return [row[name] for row in checkpoint.curves for name in ("loss", "eval_loss") if name in row]


@pytest.mark.slow
def test_two_processes_on_two_machines_learn_as_one(base, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meet = f"127.0.0.1:{free.getsockname()[1]}"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one = TrlDpo(**settings("dpo")).train(job_in(tmp_path / "one", base, "dpo"), progress=Silent())
    words = [sys.executable, "-m", "langadapt_plugins.trainers.trl_join", str(tmp_path / "two"), "--once"]
    with subprocess.Popen([*words, "--machine", "1"], stdout=subprocess.DEVNULL) as other:
        try:
            two = TrlDpo(**settings("dpo", processes=2, machines=2, main_address=meet)).train(
                job_in(tmp_path / "two", base, "dpo"), progress=Silent()
            )
            assert other.wait(60) == 0
        finally:
            other.kill()
    assert two.facts["world_size"] == 2
    assert len(losses(one)) > 10
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)
    assert len(weights(two)) == len(weights(one))  # gathered


@pytest.mark.slow
def test_two_processes_learn_as_one_and_go_on_after_sigterm():
    script = Path(__file__).parents[2] / "scripts/bench/scale.py"
    words = [sys.executable, str(script), "SFT, packed", "ddp"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 2 figures met" in done.stdout
