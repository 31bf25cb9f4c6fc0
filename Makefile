# Two commands for a new user: make demo, make test. Every command makes .venv first, once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
TORCH ?= torch==2.13.0
DATA ?= generated
NIGHTS ?=
STACK ?= demo

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.PHONY: help demo test test-slow test-stack check docs bench bench-quality gpu-check format up down lock clean

help:  ## say what there is
	@echo "make demo                           six nights through the real scheduler, on a generated log (minutes)"
	@echo "make demo DATA=as_caida NIGHTS=8    the same on real weekly dumps from \$$NCNC_DATA_DIR"
	@echo "make test                           the test suite, less what is slow (minutes); TESTS=\"tests/core -k golden\" for a part"
	@echo "make test-slow                      the tests marked slow: whole nights, servers, kills, races; TESTS as above"
	@echo "make test-stack                     whole deployments: Celery workers, backfills, restores (tests/stack)"
	@echo "make check                          ruff, mypy, import rules, Dockerfiles, compose file, documentation"
	@echo "make docs                           the documentation site, into .ncnc/docs/html/index.html"
	@echo "make bench                          how fast: seconds and ratios, into .ncnc/bench/speed.json; BENCH_ARGS=\"--only cora_epoch\""
	@echo "make bench-quality                  the paper's protocols on the data sets of \$$NCNC_DATA_DIR, into docs/benchmarks.md (hours)"
	@echo "make gpu-check                      one look at a GPU: parity with the CPU, seconds, memory, waits (5 minutes at most)"
	@echo "make up | make down                 Airflow and MLflow with their pages, left running | stopped;"
	@echo "                                    STACK=as_caida for that demo's nights, any other name for a graph of your own"
	@echo "make format                         ruff's formatting and its safe fixes"
	@echo "make lock                           pin requirements.lock anew from pyproject.toml"
	@echo "make clean                          stop the stacks, remove .ncnc; .venv stays"

demo: $(INSTALLED)  ## play the nights
	@$(BIN)/python -m embedded.demo --data $(DATA) $(if $(NIGHTS),--nights $(NIGHTS))

up: $(INSTALLED)
	@$(BIN)/python -m embedded.stack up --name $(STACK)

down: $(INSTALLED)
	@$(BIN)/python -m embedded.stack down --name $(STACK)

# What takes more than about five seconds is marked slow, so that `make test` stays under ten minutes on two cores;
# --durations names what should be marked, or be made quicker.
TESTS ?= tests
JOBS ?= 2
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q
SHARED_OUT := -n $(JOBS) --dist loadfile --no-loadscope-reorder --ignore=tests/stack
test: $(INSTALLED)
	@$(PYTEST) $(SHARED_OUT) -m "not slow" --durations=5 --durations-min=10 $(TESTS)

test-slow: $(INSTALLED)
	@$(PYTEST) $(SHARED_OUT) -m slow $(TESTS)

# One at a time: each starts services of its own, and some of their ports are fixed.
STACK_TESTS ?= tests/stack
test-stack: $(INSTALLED)
	@$(PYTEST) $(STACK_TESTS)

# Each tool is named as it runs, so that a failure says whose it is.
check: $(INSTALLED)
	@echo "ruff check"; $(BIN)/ruff check .
	@echo "ruff format"; $(BIN)/ruff format --check .
	@echo "mypy"; $(BIN)/mypy
	@echo "import rules"; PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/lint-imports
	@echo "Dockerfiles"; $(BIN)/hadolint docker/*Dockerfile*
	@echo "compose file"; $(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker/compose.yaml
	@echo "documentation"; $(SITE)

# Always from the start: a page that was built before would not notice that a name it uses is gone.
SITE := rm -rf .ncnc/docs && $(BIN)/python -m sphinx -b html -W -n --keep-going -q -d .ncnc/docs/doctrees docs .ncnc/docs/html
docs: $(INSTALLED)  ## build the site
	@$(SITE)
	@echo "open .ncnc/docs/html/index.html"

BENCH_JOBS ?= $(JOBS)
BENCH_ARGS ?=
bench: $(INSTALLED)
	@$(BIN)/python -m benchmarks.speed $(BENCH_ARGS)

bench-quality: $(INSTALLED)
	@$(BIN)/python -m benchmarks.quality --jobs $(BENCH_JOBS)
	@$(BIN)/python -m benchmarks.quality --render

gpu-check: $(INSTALLED)
	@$(BIN)/python -m benchmarks.gpu_check $(BENCH_ARGS)

format: $(INSTALLED)
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

# torch stays out of the lock: it is installed first, by version, so that a CPU wheel at hand is taken.
lock: $(INSTALLED)
	@$(BIN)/uv pip compile pyproject.toml --extra dev --python-version 3.11 --upgrade --quiet \
	  --no-emit-index-url --no-header --no-annotate --no-emit-package torch --no-emit-package triton \
	  --output-file requirements.lock
	@echo "$$(wc -l < requirements.lock) packages pinned in requirements.lock"

clean:
	@for stack in .ncnc/*/; do [ ! -d "$$stack" ] || $(BIN)/python -m embedded.stack down --name "$$(basename $$stack)"; done
	@rm -rf .ncnc

# Once, and again when what is to be installed changes.
$(INSTALLED): requirements.lock pyproject.toml
	@command -v git > /dev/null || { echo "git is missing. Install it: the graph's versions are git commits."; exit 1; }
	@[ -n "$(PYTHON)" ] || { echo "Python is missing. Install Python 3.11, or name one: make $(MAKECMDGOALS) PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) --version), but ncnc needs 3.11 (tested) or 3.12. Name one: make PYTHON=python3.11"; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version): once, some minutes, about 2.5 GB"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@echo "  1/3 $(TORCH)"; $(PIP) install "$(TORCH)"
	@echo "  2/3 $$(grep -c == requirements.lock) pinned packages"; $(PIP) install -r requirements.lock
	@echo "  3/3 ncnc itself"; $(PIP) install --no-deps --editable .
	@touch $@
