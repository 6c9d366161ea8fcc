#!/bin/sh
# Pins every Python dependency and prebuilt tool by hash (`make locks`). The lock files contain no index URLs.
set -eu
cd "$(dirname "$0")/.."
for uv in "${STOREWRIGHT_CACHE:-$HOME/.cache/storewright}"/uv/*/bin/uv; do :; done
compile() { "$uv" pip compile -q --generate-hashes --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11 "$@"; }
compile pyproject.toml -o requirements.lock
compile pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
compile --group build -o requirements-build.lock
compile --no-deps dev/tools.in -o dev/tools.lock
