# On a machine with Python 3.11 or newer, git and make: `make demo`, `make test`.
# Choose another Python with `make PYTHON=python3.12 …`.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python
ARGS ?=
export SPEC
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# Run a command; what it says is shown only when it fails.
quietly = $2 > $1 2>&1 || { cat $1 >&2; exit 1; }

.PHONY: help install demo test bench lint contract docs
.DELETE_ON_ERROR:

help:
	@echo "make install                    what the commands below and README.md need"
	@echo "make demo                       the tap at work: simulated account -> DuckDB -> your screen"
	@echo "make test [ARGS='-k boards']    all tests, or those that the arguments of pytest choose"
	@echo "make bench                      how fast the tap is, beside what bounds it; some minutes"
	@echo "make lint                       ruff and mypy"
	@echo "make contract SPEC=openapi.json compare the schemas with a description of the API"
	@echo "make docs                       write the tables of README.md and the settings of meltano.yml"

install: $(VENV)/installed .meltano/installed

# -- environments: made when missing, filled again when what they are made from has changed

$(BIN)/python:
	@for python in $(PYTHON); do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$($$python --version) …"; \
	    exec $$python -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "No Python 3.11 or newer with the modules venv and ensurepip was found (tried: $(PYTHON))." >&2; \
	echo "Install one (on Debian and Ubuntu the modules are in the package python3-venv), or name" >&2; \
	echo "it: make PYTHON=/path/to/python3" >&2; \
	exit 1

$(VENV)/installed: pyproject.toml $(BIN)/python
	@$(BIN)/python -m pip install --help | grep -q -e --group || { echo "Upgrading pip …"; \
	  $(call quietly,$(VENV)/pip.log,$(BIN)/python -m pip install --upgrade pip); }
	@echo "Installing the tap and the tools to develop it …"
	@$(call quietly,$(VENV)/pip.log,$(BIN)/python -m pip install --editable . --group dev)
	@touch $@

.meltano/installed: meltano.yml loaders/duckdb/pyproject.toml $(VENV)/installed
	@echo "Installing the tap and its targets for Meltano …"
	@mkdir -p .meltano
	@$(call quietly,.meltano/install.log,$(BIN)/meltano install)
	@touch $@

# -- what to do

demo: install
	@$(BIN)/python scripts/demo.py

test: install
	@$(BIN)/pytest --numprocesses auto $(ARGS)

bench: $(VENV)/installed
	@$(BIN)/python -m benchmarks $(ARGS)

lint: $(VENV)/installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

contract: $(VENV)/installed
	@test -n "$(SPEC)" || { echo "Which description? make contract SPEC=openapi.json" >&2; exit 2; }
	@$(BIN)/python scripts/contract.py "$(SPEC)"

docs: $(VENV)/installed
	@$(BIN)/python scripts/docs.py
