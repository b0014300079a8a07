# The two commands: `make up` and `make test`. Everything is set up on the first call; only .venv/, .tributary/ and
# the cache folder (TRIBUTARY_CACHE, default ~/.cache/tributary) are written.
.PHONY: help up status run pause resume down test front-door check daily quick pythons lint clean setup bootstrap adopt
.DEFAULT_GOAL := help
FORMAT ?= table
# Whose status, run, pause and resume it is: without STACK the embedded cloud's of this clone.
STACK ?= local
PY := .venv/bin/python
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# Of all tests, many wait: one worker more than there are cores (tests/order.py). Named ones run in one process.
WORKERS ?= $(if $(TESTS),0,$(shell expr $(CORES) + 1))
# A program with the providers' SDKs starts in half the time where their bytecode is kept, and the tests start many.
unexport PYTHONDONTWRITEBYTECODE
# The lock decides which pyright it is, not the newest release.
export PYRIGHT_PYTHON_IGNORE_WARNINGS = 1

help:
	@echo "make up       the local stack on the embedded cloud, sample data through every pipeline, what arrived where;"
	@echo "              STACK=dev deploys that one there as its file is (what is up: .venv/bin/python -m local status)"
	@echo "make status   that table again; 'make --silent status FORMAT=json' for programs; STACK=prod for what is deployed"
	@echo "make run      starts what a pipeline does: STACK=prod PIPELINE=shop-lake, with ROLE=<name> under that role"
	@echo "make pause    switches a pipeline off, and make resume on again: STACK=prod PIPELINE=shop-lake"
	@echo "make down     stops the embedded cloud and removes .tributary/"
	@echo "make bootstrap  makes accounts ready for the first deployment: explains, previews, asks (docs/production.md)"
	@echo "make adopt STACK=prod  takes what stands in the accounts already into the stack's state (docs/adopt.md)"
	@echo "make test     all tests (TESTS=tests/unit for some of them; WORKERS=4 for more at once)"
	@echo "make check    the quick part, for daily work: lint, the tests of the program and of the handlers, and those of a"
	@echo "              tool (local, delivery, bootstrap, …) where the branch changes it; make quick has all of tests/unit"
	@echo "make pythons  those tests on the lowest and the highest Python that is here (VERSIONS='3.12 3.14' for others)"
	@echo "make front-door  each stack's life by the pulumi command line (tests/cli; TESTS='-k dev-local' for some)"
	@echo "make lint     ruff and pyright, as pre-commit runs them; zizmor and actionlint for the workflows"
	@echo "make clean    down, and removes .venv/ and the tools' caches in the clone"

setup:
	@local/setup.sh

up: setup
	@$(PY) -m local up --stack $(STACK)

# A deployed stack is entered by ROLE in each account, without it by the config's role, and Google by GOOGLE_ACCOUNT.
BY = $(if $(ROLE),--role $(ROLE)) $(if $(GOOGLE_ACCOUNT),--google-account $(GOOGLE_ACCOUNT))

status: setup
ifeq ($(STACK),local)
	@$(PY) -m local status --format $(FORMAT)
else
	@$(PY) -m operate status $(STACK) $(BY) --format $(FORMAT)
endif

run pause resume: setup
ifeq ($(STACK),local)
	@$(PY) -m local $@ $(PIPELINE)
else
	@$(PY) -m operate $@ $(STACK) $(PIPELINE) $(BY)
endif

down:
	@if [ -e .tributary ]; then local/setup.sh && $(PY) -m local down; else echo "down: nothing is up in this clone"; fi

bootstrap: setup
	@$(PY) -m bootstrap.begin

adopt: setup
ifeq ($(STACK),local)
	@echo "adopt: whose accounts? make adopt STACK=<stack>, of those with a Pulumi.<stack>.yaml, such as STACK=prod;" \
	  "ROLE=<name> enters each account by that role" >&2; exit 2
else
	@$(PY) -m adoption $(STACK) $(if $(ROLE),--role $(ROLE))
endif

test: setup
	@$(PY) -m pytest -n $(WORKERS) $(TESTS)

# Both at once: pyright is one process.
check: setup
	@$(MAKE) --no-print-directory --jobs=2 lint daily

# The rule by which a tool's tests run: tests/daily.py.
daily: setup
	@words=$$($(PY) -m tests.daily) && $(PY) -m pytest -q -n $(CORES) $$words

quick: setup
	@$(PY) -m pytest -q -n $(CORES) tests/unit

pythons: setup
	@tests/pythons.sh $(VERSIONS)

front-door: setup
	@$(PY) -m pytest -rs -n 2 --dist loadgroup tests/cli $(TESTS)

# pyright makes many short-lived objects: a larger place for them is a seventh of its time.
lint: export NODE_OPTIONS := $(NODE_OPTIONS) --max-semi-space-size=256
lint: setup
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/pyright --pythonpath $(PY)
	@.venv/bin/zizmor --offline --quiet --no-progress .github/workflows
	@$(PY) -m local.actionlint

policy/venv: policy/requirements.lock
	@$(PY) -m venv --clear policy/venv
	@policy/venv/bin/python -m pip install --quiet --require-hashes --requirement policy/requirements.lock

clean:
	@if [ -x $(PY) ] && [ -e .tributary ]; then $(PY) -m local down; fi
	@rm -rf .venv .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
