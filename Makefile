# Every target sets itself up: a .venv of its own, and only what it needs. Nothing is installed twice.
#
#   make demo       the page of a service on a simulated cluster, at http://127.0.0.1:8080 (PORT=… for another port)
#   make test       lint and the full suite; `make test-all` adds every combination
#   make test-real  the contract suite and more on a real cluster, named by OPSMODAL_TEST_KUBECONFIG
#   make fuzz       spoiled lines on the command guard for a quarter of an hour, or FUZZ_S=… seconds
#   make bench      measurements, each beside a peer measured in the same run
#
# docs/testing.md says what starts and what is skipped.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
AXE := .test-engines/axe/node_modules/axe-core/axe.min.js
AXE_VERSION := 4
PROVIDER := .test-engines/oidc/node_modules/oidc-provider/package.json
# 9 wants a newer Node than Debian 12 has.
PROVIDER_VERSION := 8
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest
# Most tests wait for an engine, not for a core: four workers keep two cores busy.
SIDE_BY_SIDE := -n 4 --dist loadgroup

.PHONY: demo test test-all test-real fuzz lint bench setup packages axe provider clean

demo: $(VENV)/.installed
	exec $(BIN)/opsmodal demo $(if $(PORT),--port $(PORT))

test: packages setup axe provider lint
	$(PYTEST) $(SIDE_BY_SIDE) -m 'not exhaustive'

test-all: packages setup axe provider lint
	$(PYTEST) $(SIDE_BY_SIDE) --hypothesis-profile=thorough

test-real: setup
	$(BIN)/python -m tests.real
	$(PYTEST) tests/real
	$(PYTEST) tests/contract -k cluster

fuzz: setup
	FUZZ_S=$(or $(FUZZ_S),900) FUZZ_SEED=$(or $(FUZZ_SEED),$$RANDOM$$RANDOM) $(PYTEST) --timeout=0 tests/unit/guard/test_fuzz.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m tests.bench $(ARGS)

setup: $(VENV)/.installed-dev

# The system's own packages: dockerd, podman, sshd, chromium, kubectl. Only as root on Debian; elsewhere it says so.
packages:
	@.ci/packages

# axe-core judges the accessibility of pages. Without a registry its tests are skipped, and say so.
axe:
	@[[ -f $(AXE) ]] || npm install --silent --no-audit --no-fund --ignore-scripts --prefix .test-engines/axe axe-core@$(AXE_VERSION) \
	  || echo "axe: npm could not fetch axe-core; its tests are skipped" >&2

# A certified OpenID provider, for the tests of signing in with one.
provider:
	@[[ -f $(PROVIDER) ]] || npm install --silent --no-audit --no-fund --ignore-scripts --prefix .test-engines/oidc oidc-provider@$(PROVIDER_VERSION) \
	  || echo "provider: npm could not fetch oidc-provider; its tests are skipped" >&2

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "opsmodal needs Python 3.11 or newer; name one with PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
	  || { echo "this Python cannot make environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: pyproject.toml | $(VENV)/.python
	$(PIP) install -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.python
	$(PIP) install -e '.[dev]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .test-engines dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
