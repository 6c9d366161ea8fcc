"""helm-docs and CustomResourceDefinitions from pinned Go modules."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from dev.cache import TOOLS, cached
from dev.cluster.binaries import go_environment
from dev.cluster.process import console, run
from provisioner.domain.documents import read_yaml

HERE = Path(__file__).parent
HELM_DOCS = "github.com/norwoodj/helm-docs/cmd/helm-docs"
# Go module -> (folder with its go.mod, folder of its definitions). The Gateway API has the version that Traefik uses.
DEFINITION_MODULES = {
    "sigs.k8s.io/gateway-api": (HERE.parent / "cluster" / "traefik", "config/crd/standard"),
    "github.com/prometheus-operator/prometheus-operator": (HERE / "crds", "example/prometheus-operator-crd"),
}


def helm_docs() -> Path:
    """The helm-docs program, built on the first call. Raises ClusterError if the download or build fails."""

    def build(folder: Path) -> None:
        with console.status("Building helm-docs (about 30 s, once)"), _temporary_go() as environment:
            _go(HERE / "docs", "build", f"-o={folder}/", HELM_DOCS, env=environment)

    return cached("helm-docs", _pins(HERE / "docs"), build) / "helm-docs"


def definitions() -> Path:
    """A folder of CustomResourceDefinitions, named `<group>_<plural>.yaml`.

    Raises ClusterError if the download fails."""

    def fetch(folder: Path) -> None:
        with _temporary_go() as environment:
            for name, (module, subfolder) in DEFINITION_MODULES.items():
                download = json.loads(_go(module, "mod", "download", "-json", name, env=environment))
                for definition in Path(download["Dir"], subfolder).glob("*_*.yaml"):
                    shutil.copyfile(definition, folder / definition.name)

    pins = [pin for module, _ in DEFINITION_MODULES.values() for pin in _pins(module)]
    return cached("crds", [Path(__file__), *pins], fetch)


@cache
def definition(api_version: str, kind: str) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind. Raises FileNotFoundError if no pinned module has it."""
    group = api_version.partition("/")[0]
    file = definitions() / f"{group}_{kind.lower()}s.yaml"
    parsed: dict[str, Any] = read_yaml(file.read_bytes())
    return parsed


def _go(module: Path, *arguments: str, env: dict[str, str]) -> str:
    return run(TOOLS / "bin/go", "-C", module, *arguments, env=env, timeout=600)


def _pins(module: Path) -> list[Path]:
    return [module / "go.mod", module / "go.sum"]


@contextmanager
def _temporary_go() -> Iterator[dict[str, str]]:
    """The environment for Go with temporary caches."""
    with tempfile.TemporaryDirectory(prefix="storewright-go-") as scratch:
        yield go_environment(Path(scratch))
