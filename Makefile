# Everything that people type here; `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help run setup test check lint collected bench simulate lock screens
# What Python has compiled serves every process that comes after
export PYTHONDONTWRITEBYTECODE =

help: ## List the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: setup ## Everything on this machine: database, web and worker on http://127.0.0.1:8000 (PORT)
	@exec $(BIN)/python -m app.cli.serve

setup: .venv/installed ## Only the environment and the dependencies

.venv/bin/pip:
	$(PYTHON) -m venv .venv

# Both files name everything that is needed, so nothing has to be worked out
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps

.venv/installed: requirements.txt | .venv/bin/pip
	$(PIP_INSTALL) -r requirements.txt
	@touch $@

# What is never imported is never compiled: a third of the time that this takes
.venv/installed-dev: requirements.txt requirements-dev.txt | .venv/bin/pip
	$(PIP_INSTALL) --no-compile -r requirements.txt -r requirements-dev.txt
	@touch .venv/installed $@

# PostgreSQL's binaries, Chromium and Node come from the distribution, what runs on Node by its lock from npm; nothing
# of them is started as a service of ours.
.venv/peers: tests/install_peers.sh tests/peers/package-lock.json
	@sh tests/install_peers.sh
	@mkdir -p .venv && touch $@

# Three at a time on two cores: a good part of the tests waits for servers, browsers and leases.
test: .venv/installed-dev .venv/peers ## Install what the tests need and run all of them
	$(BIN)/pytest -n 3 --dist loadgroup

lint: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/djlint --quiet --lint templates

collected: .venv/installed-dev # every test loads; and is compiled once, while lint leaves a core free
	@$(BIN)/pytest --collect-only -qq >/dev/null

check: ## Format, lint, types, templates, import rules, then the tests: what CI runs
	@$(MAKE) --no-print-directory --jobs=2 --output-sync .venv/peers lint collected
	@$(MAKE) --no-print-directory test

bench: .venv/installed-dev .venv/peers ## The benchmarks with their floors; prints a table of ratios
	$(BIN)/python -m benchmarks

simulate: .venv/installed-dev ## Two years of asking in a minute, with outages; prints what became of everything
	$(BIN)/python -m tests.simulation

screens: .venv/installed-dev .venv/peers ## Take the pictures in docs/screens anew
	rm -f docs/screens/*.png
	SCREENS=1 $(BIN)/pytest -q -n 2 tests/journeys/test_screens.py

lock: .venv/installed-dev ## Make requirements.txt and requirements-dev.txt from their .in files
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate requirements-dev.in -o requirements-dev.txt
