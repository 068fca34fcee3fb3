# `make` alone lists what there is. Targets with ## appear in that list, under the last ##@ line above them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
PORT ?= 8080
ARGS ?=
PY := .venv/bin/python
export PYTHON

.PHONY: help install run demo test test-fast lint format lock services services-stop drill bench clean

help:
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

##@ Use it
install: ## make .venv with exactly what requirements.lock names
	@tools/install.sh

run: install ## start hotline on http://127.0.0.1:8080 (PORT=… for another)
	@PORT=$(PORT) .venv/bin/hotline run $(ARGS)

demo: install ## start it with invented feedback and accounts to look around
	@PORT=$(PORT) $(PY) -m tools.demo $(ARGS)

##@ Check it
test: install ## everything: lint, types, import rules, all tests (JUnit in var/junit.xml)
	@tools/test.sh

test-fast: install ## unit and contract tests on the embedded backend, under a minute
	@tools/test.sh fast

lint: install ## ruff, formatting, mypy, import rules
	@tools/lint.sh

services: install ## start a Kafka broker and a MongoDB server for tests
	@$(PY) -m tools.servers start

services-stop: install ## stop them
	@$(PY) -m tools.servers stop

drill: install ## kill it, stop its servers, fill the disk: what it promises must still hold
	@$(PY) -m tools.drill $(ARGS)

bench: install ## measure feedback a second and page times on this machine
	@$(PY) -m tools.bench $(ARGS)

##@ Change it
format: install ## let ruff sort imports and lay out the code
	@$(PY) -m ruff check --quiet --select I --fix . && $(PY) -m ruff format .

lock: install ## renew requirements.lock from requirements.in (ARGS="--upgrade" for newer versions)
	@tools/lock.sh $(ARGS)

clean: ## remove .venv, caches and test results; var/*.db stays
	@rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis var/junit.xml
	@find hotline services tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
