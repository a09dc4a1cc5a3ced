# On a machine with Python 3.11 or newer, git and make: `make demo`, `make test`.
# Choose another Python with `make PYTHON=python3.12 …`.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python
ARGS ?=
export SPEC TAG
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# Run a command; what it says is shown only when it fails.
quietly = $2 > $1 2>&1 || { cat $1 >&2; exit 1; }

# With the versions of constraints.txt, for what builds packages too. They are chosen for Python
# 3.11 to 3.14; a newer one gets the newest, as does `make install CONSTRAINTS=`.
CONSTRAINTS ?= constraints.txt
pinned = if $(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 15))'; then \
  export PIP_CONSTRAINT=$(CONSTRAINTS) PIP_BUILD_CONSTRAINT=$(CONSTRAINTS); fi;
pip = $(pinned) $(BIN)/python -m pip

.PHONY: help install demo test bench lint build contract constraints docs
.DELETE_ON_ERROR:

help:
	@echo "make install                    what the commands below and README.md need"
	@echo "make demo                       the tap at work: simulated account -> DuckDB -> your screen"
	@echo "make test [ARGS='-k boards']    all tests, or those that the arguments of pytest choose"
	@echo "make bench                      how fast the tap is, beside what bounds it; some minutes"
	@echo "make lint                       ruff, mypy, and zizmor for the workflows"
	@echo "make build                      the sdist and the wheel in dist/, built and checked"
	@echo "make constraints                choose the versions in constraints.txt anew"
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

$(VENV)/installed: pyproject.toml constraints.txt $(BIN)/python
	@$(BIN)/python -m pip install --help | grep -q -e --group || { echo "Upgrading pip …"; \
	  $(call quietly,$(VENV)/pip.log,{ $(pip) install --upgrade pip; }); }
	@echo "Installing the tap and the tools to develop it …"
	@$(call quietly,$(VENV)/pip.log,{ $(pip) install --editable . --group dev; })
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
	@$(BIN)/zizmor --offline --quiet --persona=pedantic .github

# Not in an environment of its own: what builds is the hatchling of constraints.txt.
build: $(VENV)/installed
	@rm -rf dist
	@$(call quietly,$(VENV)/build.log,$(BIN)/hatchling build -d dist)
	@$(pinned) $(BIN)/python scripts/artifacts.py $${TAG:+--tag="$$TAG"} dist

contract: $(VENV)/installed
	@test -n "$(SPEC)" || { echo "Which description? make contract SPEC=openapi.json" >&2; exit 2; }
	@$(BIN)/python scripts/contract.py "$(SPEC)"

# One choice for all versions of Python, as markers say, and of nothing that came out in the last
# week: what is withdrawn in haste mostly is so by then. Not all is installed for it, which the old
# choice may not allow any more.
constraints: $(BIN)/python
	@$(call quietly,$(VENV)/pip.log,{ $(pip) install uv; })
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --exclude-newer "7 days" \
	  --upgrade --no-header --no-annotate --output-file constraints.txt pyproject.toml --group dev

docs: $(VENV)/installed
	@$(BIN)/python scripts/docs.py
