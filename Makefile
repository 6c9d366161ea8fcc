# The doors of the house; `make` alone lists them. Everything is set up on the way, so each works on a bare machine.
SHELL := /bin/sh
PY := .venv/bin/python
export PATH := $(CURDIR)/build/tools/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-down test test-unit lint cluster-up cluster-down images bench docs manifests locks clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[36m%-13s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nOn your own cluster: KUBE_CONTEXT=… REGISTRY=… STORE_DOMAIN=… INGRESS_ADDRESS=… make demo\n'

setup: # Debian packages, .venv and pinned tools; well under a second when there is nothing to do
	@sh dev/setup.sh

demo: setup ## Start a cluster, a local Slack and the bot; order a store and leave it all running
	@$(PY) -m dev.demo up

demo-down: setup ## Remove everything `make demo` made, the cluster too
	@$(PY) -m dev.demo down

test: setup lint ## Set everything up and run all tests
	@$(PY) -m dev.images build
	@$(PY) -m dev.cluster up --name test
	@$(PY) -m pytest

test-unit: setup ## The tests that need nothing but Python
	@$(PY) -m pytest tests/unit

lint: setup ## ruff, mypy --strict, the layers and the prose
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PY) -m dev.prose

cluster-up: setup ## Start (building it once) a real single-node Kubernetes
	@$(PY) -m dev.cluster up

cluster-down: setup ## Stop that cluster and remove all it holds
	@$(PY) -m dev.cluster down

images: setup ## Build all images, with their bills of materials (PUSH=registry.example.com/team: push them too)
	@$(PY) -m dev.images $(if $(PUSH),push $(PUSH),build)

bench: setup ## Measure; prints a table and writes build/bench/*.json
	@$(PY) -m tests.bench

docs: setup ## Write the generated texts: the charts' README.md, the command table, the Slack usage hint
	@$(PY) -m dev.charts
	@$(PY) -m dev.docs

manifests: setup ## Write manifests/storewright.yaml from the bot's own chart
	@$(PY) -m dev.charts.bot_chart

locks: setup ## Pin anew, with hashes, after a change of pyproject.toml or dev/tools.in
	@sh dev/lock.sh

clean: ## Remove what was built in this checkout (caches under ~/.cache/storewright stay)
	@if [ -x .venv/bin/python ]; then $(PY) -m dev.demo down && $(PY) -m dev.cluster down --name test; fi
	rm -rf build .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
