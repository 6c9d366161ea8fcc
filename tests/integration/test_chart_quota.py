"""The namespace's quota has room for everything that a store chart can run at the same time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.utils.quantity import parse_quantity

from provisioner.domain.catalog import Catalog
from provisioner.operations.toolbox import QUOTA
from tests.integration.test_docs_values import MANIFESTS

CHARTS = Catalog(Path(__file__).parents[2] / "charts").types.values()
TWO_REPLICAS = "replicas=2,uploads.storage.accessMode=ReadWriteMany"
# During an HTTP01 challenge, cert-manager runs a solver pod in the namespace (these are its documented defaults) and a
# Service of the issuer's serviceType, NodePort by default.
SOLVER: dict[str, Any] = {"containers": [{"resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "64Mi"}}}]}
HTTP01: dict[str, str] = MANIFESTS["ClusterIssuer"]["spec"]["acme"]["solvers"][0]["http01"]["ingress"]


def pods(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The pods that one object can have at the same time, including the surge of a rolling update."""
    spec = manifest.get("spec", {})
    match manifest["kind"]:
        case "Deployment":
            surge = spec["strategy"].get("rollingUpdate", {}).get("maxSurge", 0)
            return [spec["template"]["spec"]] * (spec["replicas"] + surge)
        case "StatefulSet":
            return [spec["template"]["spec"]] * spec["replicas"]
        case "Job":
            return [spec["template"]["spec"]]
        case "CronJob":
            return [spec["jobTemplate"]["spec"]["template"]["spec"]]
        case "Pod":
            return [spec]
    return []


def claims(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    own = [manifest["spec"]] if manifest["kind"] == "PersistentVolumeClaim" else []
    return own + [claim["spec"] for claim in manifest.get("spec", {}).get("volumeClaimTemplates", [])]


def total(quantities: Iterable[Decimal]) -> Decimal:
    return sum(quantities, Decimal())


def memory(running: list[dict[str, Any]], kind: str) -> Decimal:
    """Sum of the pods' memory `requests` or `limits`.

    A pod counts as the sum of its containers or as its largest init container, whichever is larger."""

    def of(containers: list[dict[str, Any]]) -> list[Decimal]:
        return [parse_quantity(container["resources"][kind]["memory"]) for container in containers]

    return total(max([total(of(pod["containers"])), *of(pod.get("initContainers", []))]) for pod in running)


@pytest.mark.parametrize("profile", ["local", "prod"])
@pytest.mark.parametrize("chart", [kind.chart for kind in CHARTS], ids=lambda chart: chart.name)
def test_quota_has_room_for_all_pods_at_the_same_time(chart: Path, profile: str) -> None:
    values = ["--values", str(chart / f"values-{profile}.yaml"), "--set", TWO_REPLICAS]
    rendered = subprocess.run(["helm", "template", "shop", str(chart), *values], capture_output=True, check=True)
    manifests = [manifest for manifest in yaml.safe_load_all(rendered.stdout) if manifest]
    # The first one's Job runs before the application first starts, the other one's instead of that of a restore.
    apart = ("shop-import", "shop-reset")
    running = [pod for m in manifests if m["metadata"]["name"] not in apart for pod in pods(m)] + [SOLVER]
    services = [manifest["spec"].get("type") for manifest in manifests if manifest["kind"] == "Service"]
    services.append(HTTP01.get("serviceType", "NodePort"))
    storage = [claim["resources"]["requests"]["storage"] for manifest in manifests for claim in claims(manifest)]
    needed = {
        "pods": Decimal(len(running)),
        "requests.memory": memory(running, "requests"),
        "limits.memory": memory(running, "limits"),
        "persistentvolumeclaims": Decimal(len(storage)),
        "requests.storage": total(map(parse_quantity, storage)),
        "services.nodeports": Decimal(services.count("NodePort") + services.count("LoadBalancer")),
        "services.loadbalancers": Decimal(services.count("LoadBalancer")),
    }
    assert {name: n for name, n in needed.items() if n > parse_quantity(QUOTA[name])} == {}
    assert len(running) > 4, "some of the store's pods were not counted"
    assert len(storage) == 2
    assert len(services) > 2
