# Two commands: `make demo` and `make test`. Paths are relative: the checkout's own path may hold a space.
.DEFAULT_GOAL := help
.PHONY: demo test check lint reference up down setup clean help
SHELL := /bin/sh
PYTHON_IN_VENV := .venv/bin/python
LOCKGATE := .venv/bin/lockgate
# A new lock, a new pyproject or a moved checkout sets up again.
STAMP := .venv/.setup-$(shell { pwd; cat requirements.lock pyproject.toml; } | cksum | cut -d ' ' -f 1)
QUICK_TESTS := $(wildcard tests/unit tests/golden tests/property)
ARGS ?=
# The stack answers on the loopback: no proxy on the way, and none of the shell's own PostgreSQL settings.
export NO_PROXY := $(or $(no_proxy),$(NO_PROXY)),127.0.0.1,localhost
export no_proxy := $(NO_PROXY)
unexport PGPASSWORD PGPASSFILE PGSERVICE PGSERVICEFILE PGOPTIONS PGSSLMODE PGHOST PGPORT PGUSER PGDATABASE

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(STAMP) ## rehearse a migration: Atomic CRM -> Twenty sandbox, on real engines (ARGS="--scale 0.2 --keep")
	@$(LOCKGATE) demo $(ARGS)

test: $(STAMP) ## every test, the engines included (ARGS="-k name")
	@$(PYTHON_IN_VENV) -m pytest $(ARGS)

check: lint ## linters, types, import rules and the quick tests
	@$(PYTHON_IN_VENV) -m pytest -n 2 $(QUICK_TESTS)

lint: $(STAMP) ## ruff, mypy, import-linter
	@$(PYTHON_IN_VENV) -m ruff check .
	@$(PYTHON_IN_VENV) -m ruff format --check .
	@$(PYTHON_IN_VENV) -m mypy
	@.venv/bin/lint-imports

reference: $(STAMP) ## write docs/reference and the schema of migration.yaml anew from the code
	@$(PYTHON_IN_VENV) -m control.reference

up: $(STAMP) ## start the local stack (PostgreSQL, Kafka, Connect)
	@$(LOCKGATE) up

down: $(STAMP) ## stop it; its data stays
	@$(LOCKGATE) down

setup: $(STAMP) ## the virtual environment only; the others do it by themselves
	@:

$(STAMP):
	@sh infra/setup.sh
	@rm -f .venv/.setup-*
	@touch $@

# The rehearsal has a stack of its own; as root the data of both lies outside the checkout.
define WIPE
from pathlib import Path
from control import down
from infra import stack
down.down(Path())
for root in (Path(".lockgate/demo"), Path()):
    stack.wipe(root)
endef
export WIPE

clean: ## stop the stack and remove its data, the virtual environment and caches
	@if [ -x $(PYTHON_IN_VENV) ]; then $(PYTHON_IN_VENV) -c "$$WIPE"; fi
	@rm -rf .lockgate .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
