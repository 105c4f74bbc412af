# make demo    the whole chain on a synthetic head, with a report to look at
# make test    the tests
# make lint    style and format
# make benchmark   the measured tables of the README (minutes; needs evaluation data beside the project)
# Each makes its own environment first and rebuilds it when a pinned version changes.

PYTHON ?= python3
VENV ?= .venv
PINS := $(shell cat constraints.txt pyproject.toml | sha256sum | cut -c 1-16)
READY := $(VENV)/ready-$(PINS)

.PHONY: demo test lint benchmark clean

demo: $(READY)
	$(VENV)/bin/medfusion demo --output demo --force

test: $(READY)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

benchmark: $(READY)
	set -e; for script in Testing/Benchmark/*Benchmark.py; do $(VENV)/bin/python $$script; done

$(READY): constraints.txt pyproject.toml
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) demo
