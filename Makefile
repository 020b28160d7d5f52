# The environment lives in .venv and is made anew when pyproject.toml changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= auto

.PHONY: help run check test lint types bench build clean
.DEFAULT_GOAL := help

help: ## Show this help
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "infercheck needs Python 3.11 or newer; give one with PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

run: $(READY) ## Run the suite against the built-in reference server; reports in out/
	$(BIN)/infercheck run reference --output out

check: $(READY) ## The fast tests and lint, under a minute
	$(BIN)/python -m pytest -m 'not slow' -n $(WORKERS)
	$(MAKE) --no-print-directory lint

test: $(READY) ## All tests that a plain machine can run
	$(BIN)/python -m pytest -n $(WORKERS)

lint: $(READY) ## ruff: lint and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy strict, over an installed copy: it cannot follow an editable install
	rm -rf build/typed && mkdir -p build/typed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target build/typed .
	MYPYPATH=build/typed $(BIN)/mypy --config-file pyproject.toml -p infercheck

bench: $(READY) ## Measurements; never in CI
	$(BIN)/python tests/bench/overhead.py

build: $(READY) ## wheel and sdist in dist/
	rm -rf dist && $(BIN)/python -m build --outdir dist .

clean: ## Remove all that was made
	rm -rf $(VENV) build dist out .pytest_cache .mypy_cache .ruff_cache *.egg-info
