"""What the charts' docs and proofs take from Go modules: helm-docs, and the schemas of custom resources. Built once."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dev.cache import TOOLS, cached
from dev.cluster.binaries import go_environment
from dev.cluster.process import console, run

HERE = Path(__file__).parent
HELM_DOCS = "github.com/norwoodj/helm-docs/cmd/helm-docs"
# Where each pinned module keeps its custom resource definitions; the Gateway API is the one that our Traefik speaks.
DEFINITIONS = {
    "sigs.k8s.io/gateway-api": (HERE.parent / "cluster" / "traefik", "config/crd/standard"),
    "github.com/prometheus-operator/prometheus-operator": (HERE / "crds", "example/prometheus-operator-crd"),
}


def helm_docs() -> Path:
    """The program that writes a chart's README.md. Raises ClusterError where its modules can't be had or built."""

    def build(folder: Path) -> None:
        with console.status("Building helm-docs (half a minute, once)"), _go_for_a_while() as environment:
            _go(HERE / "docs", "build", f"-o={folder}/", HELM_DOCS, env=environment)

    return cached("helm-docs", _pins(HERE / "docs"), build) / "helm-docs"


def definitions() -> Path:
    """A folder of CustomResourceDefinitions, `<group>_<plural>.yaml` each. Raises ClusterError as `helm_docs` does."""

    def fetch(folder: Path) -> None:
        with _go_for_a_while() as environment:
            for name, (pins, inside) in DEFINITIONS.items():
                module = json.loads(_go(pins, "mod", "download", "-json", name, env=environment))
                for definition in Path(module["Dir"], inside).glob("*_*.yaml"):
                    shutil.copyfile(definition, folder / definition.name)

    return cached("crds", [Path(__file__), *(pin for pins, _ in DEFINITIONS.values() for pin in _pins(pins))], fetch)


@cache
def definition(api_version: str, kind: str) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind. Raises FileNotFoundError for one that no pinned module has."""
    group = api_version.partition("/")[0]
    file = definitions() / f"{group}_{kind.lower()}s.yaml"
    found: dict[str, Any] = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)  # in C: these files are long
    return found


def _go(module: Path, *arguments: str, env: dict[str, str]) -> str:
    return run(TOOLS / "bin/go", "-C", module, *arguments, env=env, timeout=600)


def _pins(module: Path) -> list[Path]:
    return [module / "go.mod", module / "go.sum"]


@contextmanager
def _go_for_a_while() -> Iterator[dict[str, str]]:
    """Go with caches of its own that nobody needs afterwards."""
    with tempfile.TemporaryDirectory(prefix="storewright-go-") as scratch:
        yield go_environment(Path(scratch))
