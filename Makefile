# `make help` lists the targets. Every target that needs Python makes its own environment in .venv first.

SHELL := bash

# The first interpreter that is new enough; make PYTHON=/path/to/python3 says which one to take.
PYTHON ?= $(firstword $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$python; done))
BIN := .venv/bin
INSTALLED := .venv/installed
CORE := --cov=pipeline.domain --cov=pipeline.policy --cov=pipeline.stages --cov-branch --cov-fail-under=100
# Measured for coverage, which slows them down; so they run beside the tests that wait for Kafka.
CORE_TESTS := tests/unit tests/topology tests/contracts
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help .venv demo test check bench soak simulate mutants mutation approve docs lock clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[.a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv: $(INSTALLED) ## make the environment from the lock file; made anew when the lock changes

$(INSTALLED): requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found:" \
		"install it, or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	@echo "Making .venv with $(PYTHON): about a minute, once." >&2
	@$(PYTHON) -m venv --clear .venv || { echo "$(PYTHON) cannot make environments:" \
		"install its venv module (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 2; }
	@$(PIP) install --require-hashes --only-binary :all: -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

demo: .venv ## watch ten years of promises being kept, on real invoices and a real Kafka if there is one
	@$(BIN)/pipeline demo

test: .venv ## run every test, those on a real Kafka included
	@{ command -v java && command -v mvn; } >/dev/null || command -v docker >/dev/null || test -n "$$PIPELINE_KAFKA" || { \
		echo "The tests need a real Kafka: install Java 17 or newer and Maven, or Docker," \
		"or name a broker that runs: make test PIPELINE_KAFKA=HOST:PORT" >&2; exit 2; }
	@mkdir -p .build; echo "The core's own tests run beside the others, into .build/core-tests.log" >&2; set -o pipefail; \
	$(BIN)/python -m pytest -q $(CORE) $(CORE_TESTS) >.build/core-tests.log 2>&1 & core=$$!; \
	$(BIN)/python -m pytest $(addprefix --ignore=,$(CORE_TESTS)) | tee .build/tests.log; others=$$?; \
	wait $$core; core=$$?; [ $$core = 0 ] && tail -n 1 .build/core-tests.log || cat .build/core-tests.log; \
	tail -n 1 .build/tests.log; grep -E '^(docker|real Kafka): ' .build/tests.log; exit $$((core | others))

check: .venv ## lint, types, layers and the fast tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -m "not kafka and not docker and not slow"

bench: .venv ## print what docs/evidence.md quotes: CPU per event, ratios, time to recover
	@for script in bench/[a-z]*.py; do $(BIN)/python -m "bench.$$(basename "$$script" .py)" || exit 1; done

soak: .venv ## the proofs at full size: random retentions read twice, and 200,000 events under kills
	$(BIN)/python -m tests.soak.retention --pairs 100000
	$(BIN)/python -m tests.soak.histories --examples 1000
	$(BIN)/python -m tests.soak.retail --events 200000 --worker-kills 5 --broker-kills 2

simulate: .venv ## live through 2,000 histories of faults; SEED=29 lives through one again, FIRST and COUNT choose others
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--first $(or $(FIRST),0) --count $(or $(COUNT),2000))

mutants: .venv ## break the expire protocol in ten ways and see the histories notice each
	@$(BIN)/python -m tests.simulation.mutants

mutation: .venv-mutation/installed ## change the core in 400 small ways and see the tests notice; MUTATION=--all for every way
	@.venv-mutation/bin/python -m tests.mutation $(MUTATION)

.venv-mutation/installed: requirements/mutation.txt
	@$(PYTHON) -m venv --clear .venv-mutation
	@.venv-mutation/bin/python -m pip --quiet --disable-pip-version-check --no-input install \
		--require-hashes --only-binary :all: -r requirements/mutation.txt
	@touch $@

approve: .venv ## write the golden outputs of the hard cases anew; review their diff
	$(BIN)/python -m pytest -q tests/topology/test_hard_cases.py --approve

docs: .venv ## write what is generated in docs/ and schemas/ anew
	$(BIN)/python docs/generate.py

lock: ## pin what pyproject.toml asks for; uv comes from a throw-away environment
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make lock PYTHON=/path/to/python3" >&2; exit 2; }
	@rm -rf .build/lock && $(PYTHON) -m venv .build/lock && .build/lock/bin/pip --quiet install uv
	.build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header -o requirements/runtime.txt pyproject.toml
	.build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --group dev -c requirements/runtime.txt \
		-o requirements/dev.txt pyproject.toml
	.build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header -o requirements/mutation.txt requirements/mutation.in

clean: ## remove the environment, caches and everything else that was built
	@rm -rf .venv .venv-mutation mutants .build build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache \
		.coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
