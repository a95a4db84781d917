# Bare `make` prints this list. Everything is installed into .venv from requirements/*.txt.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
RUN ?= runs/sample

.PHONY: help rebuild test check lint bench faults lock schemas clean

help: ## Print the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

rebuild: .venv/base.stamp ## Build the sample dataset and its report, end to end (RUN=folder)
	$(BIN)/imagewikiqa rebuild --sample --out $(RUN) --workers 2
	@echo "dataset: $(RUN)/imagewikiqa.jsonl   for datasets.load_dataset: $(RUN)/hub"
	@echo "report:  $(RUN)/report.html"

test: .venv/dev.stamp ## Run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile -q $(PYTEST)

check: .venv/dev.stamp lint test ## Lint, types, import rules, then tests

lint: .venv/dev.stamp ## Lint, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev.stamp ## The quick form of every benchmark
	@for file in benchmarks/[a-z]*.py; do \
	  $(BIN)/python -m benchmarks.$$(basename $$file .py) --json || exit 1; done

faults: .venv/dev.stamp ## The full set of kills and cuts, as a table
	$(BIN)/python -m pytest tests -q -m faults --full-faults

lock: .venv/dev.stamp ## Refresh requirements/*.txt from pyproject.toml
	$(BIN)/python requirements/lock.py

schemas: .venv/dev.stamp ## Write the JSON Schemas of the records
	$(BIN)/python -c "from imagewikiqa.core.schemas import export_schemas as write; \
	  from imagewikiqa.builders import published as builders; \
	  from imagewikiqa.qa import published as qa; \
	  from imagewikiqa.mixtures import published as mixtures; \
	  write(); [write(room.FOLDER, room.PUBLISHED) for room in (builders, qa, mixtures)]"

clean: ## Remove environments, runs and caches
	rm -rf .venv runs build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/base.stamp: requirements/base.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements/base.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

.venv/dev.stamp: requirements/dev.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements/dev.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@
