# Two commands do everything: `make reproduce` and `make test`. Both set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Several workers, each on few threads: the tests are many small programs.
TEST := $(BIN)/python -m pytest
MODEL ?=
TOKENIZER ?=
DATA ?=
OUT ?= runs/reproduce

.PHONY: reproduce test test-slow parity lint bench clean

reproduce: $(VENV)/installed
	$(BIN)/python experiments/reproduce.py --out $(OUT) $(if $(MODEL),--model $(MODEL)) $(if $(TOKENIZER),--tokenizer $(TOKENIZER)) $(if $(DATA),--data $(DATA))

test: $(VENV)/installed-test
	$(TEST) -n 2 -m "not slow and not parity"

test-slow: $(VENV)/installed-test
	$(TEST) -m "slow and not parity"

# Against torch and transformers, in an environment of their own (several GB).
parity: .venv-parity/installed
	.venv-parity/bin/python -m pytest -m parity tests/parity

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(VENV)/installed
	$(BIN)/python benchmarks/speed.py

clean:
	rm -rf $(VENV) .venv-parity runs

$(VENV)/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@

# torch first and alone: an open range would fetch several GB of CUDA packages.
.venv-parity/installed: pyproject.toml constraints.txt
	test -x .venv-parity/bin/python || $(PYTHON) -m venv .venv-parity
	.venv-parity/bin/python -m pip install --quiet --constraint constraints.txt torch
	.venv-parity/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[test,parity,lm-eval]"
	touch $@
