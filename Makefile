# make demo    the whole chain on a synthetic head, with a report to look at
# make test    the tests
# make quick   the tests that take no time, in less than a minute
# make lint    style, format, types and spelling
# make web     the page in the browser, in an environment with the engine that it needs
# make test-web   the tests of the page, and those of the scene on that engine
# make honesty   whether registrations are right about their own error (hours; goes on where it was stopped)
# make benchmark   the measured tables of Docs/Accuracy.md (minutes; needs evaluation data beside the project)
# Each makes its own environment first and rebuilds it when a pinned version changes.

PYTHON ?= python3
VENV ?= .venv
VENV_WEB ?= .venv-web
PINS := $(shell cat constraints.txt pyproject.toml | sha256sum | cut -c 1-16)
READY := $(VENV)/ready-$(PINS)
PINS_WEB := $(shell cat constraints-web.txt pyproject.toml | sha256sum | cut -c 1-16)
READY_WEB := $(VENV_WEB)/ready-$(PINS_WEB)

.PHONY: demo test quick lint benchmark honesty web test-web clean

demo: $(READY)
	$(VENV)/bin/medfusion demo --output demo --force

test: $(READY)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

quick: $(READY)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile -m "not slow"

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/codespell
	$(VENV)/bin/mypy

web: $(READY_WEB)
	$(VENV_WEB)/bin/medfusion web

test-web: $(READY_WEB)
	$(VENV_WEB)/bin/python -m pytest Testing/Python/TestWeb*.py Testing/Python/Test*Logic.py Testing/Python/TestVolumeNodes.py Testing/Python/TestNodeFiles.py

benchmark: $(READY)
	set -e; for script in $(filter-out %HonestyBenchmark.py,$(wildcard Testing/Benchmark/*Benchmark.py)); do $(VENV)/bin/python $$script; done

honesty: $(READY)
	$(VENV)/bin/python Testing/Benchmark/HonestyBenchmark.py

$(READY): constraints.txt pyproject.toml
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@

$(READY_WEB): constraints-web.txt pyproject.toml
	rm -rf $(VENV_WEB)
	$(PYTHON) -m venv $(VENV_WEB)
	$(VENV_WEB)/bin/python -m pip install --quiet --constraint constraints-web.txt --editable ".[web,test-web]"
	touch $@

clean:
	rm -rf $(VENV) $(VENV_WEB) demo
