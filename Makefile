# Sampan: everything a fresh machine needs is Python >= 3.11 and make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

HOST ?= 127.0.0.1
PORT ?= 8000
SIMULATOR_PORT ?= 8700
WORKERS ?= 3
# The first Python of at least 3.11; `make PY=/path/to/python env` takes another one.
PY ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && { echo $$p; break; }; done)
B := .venv/bin
UV_VERSION := 0.13.9
COMPILE := $(B)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-build --no-emit-index-url --no-header -q

LAUNCH := $(B)/python -m config.launch
MESSAGES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/django.po))

.PHONY: help env lock setup compiled assets messages lint types migrations template test bench reports demo up down status clean

help: ## what can be made
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

env: .venv/.synced ## only the environment, in .venv

$(B)/uv:
	@test -n "$(PY)" || { echo "Sampan needs Python 3.11 or newer (make PY=/path/to/python env)."; exit 1; }
	@$(PY) -m venv .venv || { rm -rf .venv; echo "Python cannot make an environment; on Debian: apt-get install python3-venv"; exit 1; }
	@$(B)/pip install -q --disable-pip-version-check "uv==$(UV_VERSION)"

# Byte-compiled here, because some machines set PYTHONDONTWRITEBYTECODE and would compile Django at every start.
.venv/.synced: requirements.lock | $(B)/uv
	@PYTHONDONTWRITEBYTECODE= $(B)/uv pip sync --python $(B)/python --require-hashes --no-build --compile-bytecode -q requirements.lock
	@touch $@

lock: $(B)/uv ## pin the dependencies of pyproject.toml and package.json anew
	$(COMPILE) pyproject.toml --group dev -o requirements.lock
	$(COMPILE) --group node -o requirements-node.lock
	$(B)/python -m config.launch.assets lock
	! grep -nE '://|file:' requirements.lock requirements-node.lock package-lock.json

setup: env compiled assets messages ## all that is needed before anything starts

# The same for our own modules, a third of every start; what did not change is only looked at.
compiled: env
	@PYTHONDONTWRITEBYTECODE= $(B)/python -m compileall -q -j 0 $(patsubst %/__init__.py,%,$(wildcard */__init__.py))

assets: env ## front-end libraries from npm, into var/assets
	@$(B)/python -m config.launch.assets

messages: $(MESSAGES) ## compiled translations

%.mo: %.po | .venv/.synced
	@$(B)/pybabel --quiet compile -i $< -o $@ -l $(word 2,$(subst /, ,$<))

demo: setup ## the whole product with a demo tenant: make demo HOST=0.0.0.0 PORT=8000
	@exec $(LAUNCH) up --demo --with-parent --host $(HOST) --port $(PORT) --simulator-port $(SIMULATOR_PORT)

up: setup ## the product alone, without simulators and demo tenant
	@exec $(LAUNCH) up --with-parent --host $(HOST) --port $(PORT)

down: env ## stop what runs on this data folder
	@$(LAUNCH) down

status: env ## say what runs
	@$(LAUNCH) status

lint: env ## style and the direction of the arrows
	$(B)/ruff check .
	$(B)/ruff format --check .
	$(B)/lint-imports --no-cache

types: env ## mypy with the Django plugin
	$(B)/mypy .

migrations: env ## no model has changed without its migration
	$(B)/python -W ignore manage.py makemigrations --check --dry-run
	$(B)/python manage.py build_template --check

template: env ## the SQL template of a tenant's schema anew, after makemigrations
	$(B)/python manage.py build_template

test: setup ## all tests; make test ARGS="tests/unit -k ledger"
	$(B)/pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

bench: setup ## measure: make bench ONLY=ingest; REPORT=file.md keeps the table
	BENCH_REPORT=$(REPORT) $(B)/python -m tests.bench $(ONLY)

reports: setup ## what axe says of every page and schemathesis of the API, into docs/reports
	$(B)/python -m tests.reports

clean: ## throw away what was built (the data in .data stays)
	-@test -x $(B)/python && $(B)/python -m tests.support.cluster remove
	rm -rf var node_modules .mypy_cache .ruff_cache .hypothesis .venv $(MESSAGES)
