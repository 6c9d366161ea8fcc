# `make` lists the targets. Each target first installs everything it needs, so it works on a new machine.
SHELL := /bin/sh
PY := .venv/bin/python
export PATH := $(CURDIR)/build/tools/bin:$(PATH)
# Python keeps its bytecode: without it, each process compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE
export MYPY_CACHE_DIR := $(or $(STOREWRIGHT_CACHE),$(HOME)/.cache/storewright)/mypy

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-down test test-cluster test-unit lint cluster-up cluster-down images chaos bench tour docs manifests locks clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[36m%-13s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nTo use your own cluster: KUBE_CONTEXT=… REGISTRY=… STORE_DOMAIN=… INGRESS_ADDRESS=… make demo\n'

setup: # Debian packages, .venv and pinned tools; takes less than a second if everything is installed
	@sh dev/setup.sh

demo: setup ## Start a cluster, a local Slack and the bot, order a store and leave everything running
	@$(PY) -m dev.demo up

demo-down: setup ## Remove everything that `make demo` created, including the cluster
	@$(PY) -m dev.demo down

test: setup ## Run the linters and all tests on a test cluster
	@$(MAKE) --no-print-directory -j2 lint test-cluster
	@$(PY) -m pytest -n 4

test-cluster: setup # The tests' cluster, with all images on its node
	@$(PY) -m dev.cluster up --name test
	@$(PY) -m dev.images load --name test

test-unit: setup ## Run the unit tests, which need only Python
	@$(PY) -m pytest tests/unit

lint: setup ## Run ruff, mypy --strict, the layer check and the prose check
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PY) -m dev.prose

cluster-up: setup ## Start a real single-node Kubernetes; the first time, build it
	@$(PY) -m dev.cluster up

cluster-down: setup ## Remove that cluster and all its data
	@$(PY) -m dev.cluster down

images: setup ## Build all images and their SBOMs (PUSH=registry.example.com/team also pushes them)
	@$(PY) -m dev.images $(if $(PUSH),push $(PUSH),build)

chaos: setup ## Kill the bot everywhere, take away what it needs, send it garbage; takes hours (KILLS=200)
	@$(PY) -m tests.chaos $(if $(KILLS),--kills $(KILLS))

bench: setup ## Run the benchmarks; print a table and write build/bench/*.json
	@$(PY) -m tests.bench

tour: setup ## Make the pictures of docs/tour.md: one store's whole life, in the browser
	@$(PY) -m pytest -n 0 tests/e2e/test_story.py -k medusa
	@mkdir -p docs/images/tour && cp build/screenshots/tour/medusa/*.png docs/images/tour/

docs: setup ## Write the generated texts: the charts' README.md, the command table, the Slack usage hint
	@$(PY) -m dev.charts
	@$(PY) -m dev.docs

manifests: setup ## Write manifests/storewright.yaml from the bot's chart
	@$(PY) -m dev.charts.bot_chart

locks: setup ## Update the lock files after a change of pyproject.toml or dev/tools.in
	@sh dev/lock.sh

clean: ## Remove all build results of this checkout (the cache in ~/.cache/storewright stays)
	@if [ -x .venv/bin/python ]; then $(PY) -m dev.demo down && $(PY) -m dev.cluster down --name test; fi
	rm -rf build .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
