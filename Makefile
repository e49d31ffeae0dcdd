PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export OMP_WAIT_POLICY = PASSIVE
# Fast tests on two cores, file by file; those that train or translate take both by themselves.
TOGETHER := -n 2 --dist loadfile
CONTRACTS := tests/test_contracts_training.py

.PHONY: demo test test-engines check docs bench-translate mini-models bench-segments bench-gates bench-plan bench-train bench-evaluate system-packages clean help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "langadapt needs Python 3.11 or later: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[translate,train,tracking,evaluate,gates,ja,openai,ctranslate2,ray,docs,dev]'
	touch $(STAMP)

demo: $(STAMP)  ## set up, and run the main job on the German pack's small data and models
	$(BIN)/langadapt run de --recipe mini --yes

test: $(STAMP)  ## set up, and run the tests
	$(BIN)/python -m pytest -q $(TOGETHER) -m 'not slow and not engines and not network and not gpu'
	$(BIN)/python -m pytest -q -n 2 --dist loadscope -m 'slow' $(CONTRACTS)
	$(BIN)/python -m pytest -m 'slow and not engines and not network and not gpu' --ignore=$(CONTRACTS)

test-engines:  ## set up environments of their own with vLLM for the CPU and with COMET, and run what needs them
	PYTHON=$(PYTHON) scripts/engines.sh

check: $(STAMP)  ## format, lint, types and the fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	mkdir -p .types && ln -sfn ../plugins .types/langadapt_plugins
	MYPYPATH=.types $(BIN)/mypy -p langadapt -p langadapt_plugins
	$(BIN)/python -m pytest -q $(TOGETHER) -m 'not slow and not engines and not network and not gpu'

docs: $(STAMP)  ## the documentation site, into site/; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -q -E -d build/doctrees -b html docs site

mini-models: $(STAMP)  ## train the German pack's checkpoints anew (about an hour)
	$(BIN)/python scripts/mini/train.py tokenizer translator base
	$(BIN)/python scripts/mini/score.py

bench-segments: $(STAMP)  ## fidelity, rates, memory and `kill -9` of everything in translation but the model; ROWS=FILE adds your own
	$(BIN)/python scripts/bench/segmenting.py $(if $(ROWS),--rows $(ROWS))

bench-gates: $(STAMP)  ## recall and false alarms of the gates on damage of our own, their speed, language identification
	$(BIN)/python scripts/bench/gates.py
	$(BIN)/python scripts/bench/gates_speed.py

bench-translate: $(STAMP)  ## engines beside what one would write oneself; MODEL=FOLDER takes another checkpoint, ROWS=FILE other chats
	OMP_NUM_THREADS=1 $(BIN)/python scripts/bench/translate.py transformers ray $(if $(MODEL),--model $(MODEL)) $(if $(ROWS),--rows $(ROWS))
	PYTHON=$(PYTHON) scripts/engines.sh --bench vllm openai $(if $(MODEL),--model $(MODEL)) $(if $(ROWS),--rows $(ROWS))

bench-plan: $(STAMP)  ## licences, preferences, contamination, and the plan beside runs that it foresaw
	$(BIN)/python scripts/bench/licences.py
	$(BIN)/python scripts/bench/preferences.py
	$(BIN)/python scripts/bench/contamination.py
	$(BIN)/python scripts/bench/plan.py

bench-train: $(STAMP)  ## ruined configurations that the pre-flight finds; TRL's own command line, packing, a sweep with one reference pass, tokens a second (SHAPE=7b: those alone)
	$(BIN)/python scripts/bench/preflight.py
	$(BIN)/python scripts/bench/training.py $(if $(SHAPE),--shape $(SHAPE))
	$(BIN)/python scripts/bench/resume.py
	$(BIN)/python scripts/bench/scale.py

bench-evaluate: $(STAMP)  ## the language of answers, verdicts of judges and their servers' faults, intervals and tests on simulated benchmarks, lm-eval with shared beginnings
	$(BIN)/python scripts/bench/verdicts.py
	$(BIN)/python scripts/bench/fidelity.py
	$(BIN)/python scripts/bench/intervals.py
	OMP_NUM_THREADS=1 $(BIN)/python scripts/bench/pairs.py
	OMP_NUM_THREADS=1 $(BIN)/python scripts/bench/evaluate.py
	OMP_NUM_THREADS=1 $(BIN)/python scripts/bench/evaluate_written.py

system-packages:  ## the only step that needs root: Debian packages that some tests use
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core apertium apertium-eng-spa >/dev/null; \
	else echo "not root, or not Debian: the tests that need Chromium or Apertium will say so and skip"; fi

clean:  ## remove the environments and caches, keep the runs
	rm -rf $(VENV) .venv-engines .venv-quality .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
