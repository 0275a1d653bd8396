# Two commands do everything on a fresh machine with Python 3.11+: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash
SLURM := tests/integration/test_slurm_enforcement.py

.PHONY: help deps peers demo test check bench lock serve clean
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

deps: .venv/.installed ## Create .venv with `dure` and everything the checks need

.venv/.installed: requirements-dev.txt requirements-uv.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --require-hashes -r requirements-dev.txt
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: deps ## Run a whole round on the embedded default: request to award, proof and metric
	$(BIN)/dure demo

test: deps ## Unit, property, integration, end-to-end and contract tests
	$(BIN)/python -m pytest --numprocesses auto --ignore $(SLURM)
	$(BIN)/python -m pytest $(SLURM) # one cluster, started once

check: deps ## Formatting, lint, types, import contracts, docstrings, dependencies, dead code, lock files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports
	$(BIN)/interrogate -q solver scheduler api
	$(BIN)/deptry .
	$(BIN)/vulture
	@! grep -nE 'https?://|file://|--index|--find-links|--extra-index' requirements*.txt

bench: deps ## Measure; figures and their provenance are in benchmarks/README.md
	$(BIN)/python -m benchmarks

peers: deps ## Measure beside rivals, installed apart into .venv-peers and .venv-dede (DeDe: Python 3.11 or 3.12)
	for name in peers dede; do \
	  $(PYTHON) -m venv .venv-$$name && \
	  VIRTUAL_ENV=$(CURDIR)/.venv-$$name $(BIN)/uv pip install --quiet --require-hashes -r requirements-$$name.txt || exit 1; \
	done
	$(BIN)/python -m benchmarks peers round_peers

lock: deps ## Resolve requirements*.in again, with hashes and without host names
	for name in "" -cluster -dede -dev -peers; do \
	  $(BIN)/uv pip compile requirements$$name.in --quiet --upgrade --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header --universal --python-version 3.11 --output-file requirements$$name.txt; \
	done
	echo uv | $(BIN)/uv pip compile - --quiet --upgrade --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --universal --python-version 3.11 --output-file requirements-uv.txt

serve: deps ## Start the API and a worker on the embedded store
	$(BIN)/dure serve --with-worker

clean: ## Remove the environment and caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache var
