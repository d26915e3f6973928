# make demo, make test: each sets up what it needs in .venv first. make help lists the targets.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python that is new enough; another one can be named: make demo PYTHON=/path/to/python
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
MINUTES ?= 8
RUN ?= demo-run

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --constraint constraints.txt
TORCH := torch==2.13.0
SOAK := $(BIN)/python -m pytest tests/soak --override-ini python_files='soak_*.py' \
	--numprocesses 2 --dist load --timeout 1200 --durations 5

.PHONY: help demo test soak soak-nightly lint types check-python clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

demo: $(VENV)/.installed  ## the whole way on the text of this machine (MINUTES=8 RUN=demo-run)
	@$(BIN)/litebert demo $(RUN) --minutes $(MINUTES)

test: lint types  ## lint, types and tests
	@$(BIN)/python -m pytest

soak: $(VENV)/.installed-dev  ## faults in numbers: runs killed, stopped, starved (docs/reliability.md)
	@$(SOAK) --count ci

soak-nightly: $(VENV)/.installed-dev  ## the same, many times as often: hours
	@$(SOAK) --count nightly

lint: $(VENV)/.installed-dev  ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev  ## mypy --strict
	@$(BIN)/mypy

clean:  ## remove .venv and what the tools keep
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The stamps are touched last, so an interrupted set-up is taken up again.
$(VENV)/.installed: pyproject.toml constraints.txt | check-python
	@echo "Setting up $(VENV) (once): torch and what litebert needs"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --quiet $(TORCH)
	@$(PIP) --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Setting up $(VENV) (once): what the tests need"
	@$(PIP) --quiet --editable '.[dev]'
	@touch $@

check-python:
	@test -n "$(PYTHON)" || { \
	  echo "litebert: Python 3.11 or newer is missing: install it, or name it: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "litebert: $(PYTHON) is not a Python 3.11 or newer: install one, or name it: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv' 2>/dev/null || { \
	  echo "litebert: $(PYTHON) lacks the module venv: install it (on Debian and Ubuntu: python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "litebert: $(PYTHON) lacks pip: install it (on Debian and Ubuntu: python3-venv and python3-pip)" >&2; exit 1; }
