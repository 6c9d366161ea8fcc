"""Store charts as Helm renders them, in each profile and feature combination, and helpers to read the manifests."""

from __future__ import annotations

import pickle
import subprocess
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from provisioner.domain.catalog import Catalog
from provisioner.domain.documents import read_manifests, read_yaml
from tests.charts.variants import Variants
from tests.workers import once_a_run

Object = dict[str, Any]
ROOT = Path(__file__).parents[2]
STORES = Catalog(ROOT / "charts").types
CHARTS = [store.chart for store in STORES.values()]
NAME, NAMESPACE = "my-shop", "store-my-shop"
EXTERNAL_HOST, EXTERNAL_ADDRESS, EXTERNAL_PORT = "sql.example.com", "10.9.8.7", 5433
PROVIDER_ADDRESS = "203.0.113.7"

# Features that an operator can turn on or off, as arguments of --set-json.
FEATURES = {
    "no-ingress": ("ingress.enabled=false",),
    "tls": ("ingress.tls.enabled=true", 'store.url="https://my-shop.localhost"'),
    "annotated": ('ingress.annotations={"a.example.com/b":"1"}', 'ingress.className="nginx"'),
    "http-route": ("httpRoute.enabled=true", 'httpRoute.parentRefs=[{"name":"shops","namespace":"gateways"}]'),
    "replicas": ("replicas=2", 'uploads.storage.accessMode="ReadWriteMany"'),
    "metrics": ("serviceMonitor.enabled=true", 'serviceMonitor.labels={"release":"prometheus"}'),
    "no-policies": ("networkPolicy.enabled=false",),
    "payments": (
        f'networkPolicy.extraEgress=[{{"to":[{{"ipBlock":{{"cidr":"{PROVIDER_ADDRESS}/32"}}}}],"ports":[{{"port":443}}]}}]',
    ),
    "external": (
        "database.external.enabled=true",
        f'database.external.host="{EXTERNAL_HOST}"',
        f"database.external.port={EXTERNAL_PORT}",
        f'database.external.cidr="{EXTERNAL_ADDRESS}/32"',
    ),
}
# No feature, each feature alone, each pair, and all features.
COMBINATIONS = [chosen for size in (0, 1, 2, len(FEATURES)) for chosen in combinations(FEATURES, size)]

every_chart = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
every_profile = pytest.mark.parametrize(
    ("chart", "profile"),
    [(chart, file.stem.removeprefix("values-")) for chart in CHARTS for file in sorted(chart.glob("values-*.yaml"))],
    ids=lambda part: part.name if isinstance(part, Path) else part,
)


def helm(*arguments: str | Path, values: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["helm", *map(str, arguments)], input=values, capture_output=True, text=True, check=False)


@once_a_run
def template(chart: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The result of `helm template` with these options. An option without `--` is a `--set-json` assignment."""
    flags = [o if o.startswith("--") else f"--set-json={o}" for o in options]
    return helm("template", NAME, chart, f"--namespace={NAMESPACE}", *flags)


def render(chart: Path, *features: str, profile: str = "", options: tuple[str, ...] = ()) -> list[Object]:
    """The manifests of a release with these features.

    Raises AssertionError with helm's message if helm fails."""
    laid_over = (f"--values={chart}/values-{profile}.yaml",) if profile else ()
    given = (*laid_over, *settings(*features), *options)
    manifests: list[Object] = pickle.loads(_parsed(chart, *given))  # noqa: S301  a copy that the test may change
    return manifests


@once_a_run
def _parsed(chart: Path, *options: str) -> bytes:
    """The manifests of `template`, pickled. Parsing YAML is slow."""
    done = template(chart, *options)
    assert done.returncode == 0, done.stderr
    return pickle.dumps(read_manifests(done.stdout))


@once_a_run
def combinations_of(chart: Path, profile: str = "") -> list[list[Object]]:
    """The manifests of a release with each of the COMBINATIONS of features. They share objects: change none."""
    variants = variants_of(chart, profile).render([settings(*features) for features in COMBINATIONS])
    assert all(variant.stdout for variant in variants), [variant.stderr for variant in variants]
    return [[m for text in variant.stdout.split("\n---\n") if (m := _document(text))] for variant in variants]


def variants_of(chart: Path, profile: str = "") -> Variants:
    """A store's chart with the values of a profile."""
    return Variants(chart, NAME, NAMESPACE, chart / f"values-{profile}.yaml" if profile else None)


def settings(*features: str) -> list[str]:
    """What features set."""
    return [setting for feature in features for setting in FEATURES[feature]]


@cache
def _document(text: str) -> Object:
    manifest: Object = read_yaml(text)
    return manifest


def of_kind(manifests: list[Object], *kinds: str) -> list[Object]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def pods(manifests: list[Object]) -> list[Object]:
    """Pod templates (metadata and spec) of the release, including hooks and tests."""
    jobs = [m["spec"]["jobTemplate"] for m in of_kind(manifests, "CronJob")]
    made = [m["spec"]["template"] for m in [*manifests, *jobs] if "template" in m.get("spec", {})]
    return [*made, *of_kind(manifests, "Pod")]


def component(thing: Object) -> str:
    return str(thing["metadata"]["labels"]["app.kubernetes.io/component"])


def containers(pod: Object) -> list[Object]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
