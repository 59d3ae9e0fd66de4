# make help lists the targets. Everything lives in .venv; nothing else on the machine is touched.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready

.PHONY: help setup demo studio test test-slow check bench docs pictures clean
.DEFAULT_GOAL := help

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## Make .venv with all that tests and verbs need

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Isthmus needs Python 3.11 or newer; give one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up .venv (a few minutes, once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)  ## Train 784 -> 64 -> 784 on real handwritten digits and write the report
	@$(BIN)/isthmus train digits -o demo/digits --force
	@$(BIN)/isthmus explore demo/digits -o demo/map.html
	@echo "Open demo/digits/report.html and demo/map.html in a browser; make studio opens the Studio."

studio: $(STAMP)  ## Open the Studio in the browser
	@$(BIN)/isthmus studio

test: $(STAMP)  ## Run the tests
	@$(BIN)/python -m pytest -n 2

test-slow: $(STAMP)  ## Run all tests, the slow ones too
	@$(BIN)/python -m pytest -n 2 --slow

check: $(STAMP)  ## Lint, format, types, and the manual built strictly
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python scripts/make_reference.py --check
	@$(BIN)/zensical build --strict --clean

bench: $(STAMP)  ## Measure against peers (into .bench): make bench NAME=speed|photos|sound|codec|detection|maps|studio
	@$(BIN)/python -m benchmarks $(or $(NAME),speed)

docs: $(STAMP)  ## Build the manual into site/
	@$(BIN)/python scripts/make_reference.py
	@$(BIN)/zensical build --strict --clean

pictures: $(STAMP)  ## Make the README's pictures from real runs
	@$(BIN)/python scripts/make_pictures.py

clean:  ## Remove what the targets made
	rm -rf .venv .bench demo site .mypy_cache .ruff_cache .pytest_cache
