# `make help` lists the targets.
SHELL := /bin/bash
PORT ?= 8000
DATA_DIR ?= ./data
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	if command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
MANAGE := DEBUG=$${DEBUG:-1} DATA_DIR=$(DATA_DIR) PORT=$(PORT) $(BIN)/python manage.py
.DEFAULT_GOAL := help
.PHONY: help run install test lint lock clean screenshots docs bench

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

run: install ## set everything up and run the product (PORT, DATA_DIR)
	@$(MANAGE) up --demo --port $(PORT)

install: $(VENV)/.runtime $(VENV)/.assets ## set up the virtual environment and the browser assets

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; install it and run make again."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements.lock | $(VENV)/.python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.assets: package-lock.json tools/copy_assets.py | $(VENV)/.runtime
	@tools/npm.sh ci --omit=dev --no-audit --no-fund --silent
	@$(BIN)/python tools/copy_assets.py
	@rm -f $(VENV)/.testing-assets
	@touch $@

$(VENV)/.testing: requirements-dev.lock | $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.testing-assets: package-lock.json | $(VENV)/.assets
	@tools/npm.sh ci --no-audit --no-fund --silent
	@rm -f node_modules/@octokit/openapi/generated/*.deref.json # 340 MB that say the same once more
	@touch $@

test: install $(VENV)/.testing $(VENV)/.testing-assets ## set everything up and run the whole test suite
	$(BIN)/python -m pytest -n auto

bench: install $(VENV)/.testing ## measure the product on this machine
	@$(BIN)/python -m bench $(BENCH)

screenshots: install $(VENV)/.testing ## take the pictures of README and docs/tour.md anew
	SCREENSHOTS=1 $(BIN)/python -m pytest -q -n0 tests/e2e

docs: $(VENV)/.testing ## write the generated documents and drawings anew
	$(MANAGE) spectacular --file docs/openapi.yaml
	$(MANAGE) document_sources > docs/sources.md
	$(BIN)/python tools/draw_guide.py
	$(MANAGE) document_guides > docs/guides.md

lint: $(VENV)/.testing ## the quick checks alone: ruff, mypy, layers
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && DEBUG=1 $(BIN)/mypy && $(BIN)/lint-imports

lock: $(VENV)/.testing ## renew the lock files
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url pyproject.toml --group dev -o requirements-dev.lock
	tools/npm.sh install --package-lock-only --omit-lockfile-registry-resolved --silent

clean: ## remove what the targets made (not DATA_DIR)
	rm -rf $(VENV) node_modules staticfiles apps/sandbox/static/vendor .mypy_cache .ruff_cache .pytest_cache
