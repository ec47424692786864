# Two commands: `make demo` trains a method and shows the result, `make test` runs all tests. Both set everything up
# first (a virtual environment in .venv, made once).
PYTHON ?= python3
DEVICE ?= auto
METHOD ?=
SEEDS ?= 1
JOBS ?= auto
ARGS ?=
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile
	@echo "  options: DEVICE=auto|cpu|cuda  PYTHON=python3.11  METHOD=slimclr  SEEDS=3  JOBS=4  ARGS='further arguments'"

setup:  ## create the environment, or bring it up to date
	@$(PYTHON) tools/misc/setup_environment.py --device $(DEVICE)

demo: setup  ## train a method's demo (METHOD=..., by default slimclr) and its baselines; print a table, draw a figure
	@$(RUN) tools/misc/demo.py $(METHOD) --seeds $(SEEDS) --device $(DEVICE) $(ARGS)

test: setup  ## run the whole test suite, in JOBS processes
	@$(RUN) -m pytest tests -n $(JOBS) --dist worksteal $(ARGS)

lint: setup  ## check style and formatting
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check .

clean:  ## remove the environment, caches and the results of demos
	rm -rf .venv .pytest_cache .ruff_cache build dist *.egg-info work_dirs/demo
