"""What operators change by hand in a store's namespace: an upgrade succeeds, sets it back and names it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from dev.cluster import Cluster as DevCluster
from provisioner.domain.job import JobStatus
from tests.e2e.sample_type import BOOKLET, SampleType, load_image
from tests.e2e.upgraded_store import UpgradedStore, shared_stores

MISSING_IMAGE = "storewright/leaflet:none"
OTHER_HOST = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{ name: {name} }}
spec: {{ rules: [{{ host: other.example }}] }}
"""
ASK_DATABASE = "/busybox wget -q -O- http://{{ .Release.Name }}-database/pages.json"


@pytest.fixture(scope="module", autouse=True)
def image(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    load_image(cluster, tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def stores(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], UpgradedStore]]:
    folder = tmp_path_factory.mktemp("harness")
    booklet = SampleType(folder / "charts", BOOKLET)
    with shared_stores(cluster, folder, booklet, UpgradedStore) as take:
        yield take


@pytest.fixture
def store(stores: Callable[[], UpgradedStore]) -> UpgradedStore:
    return stores()


def edit(store: UpgradedStore) -> list[str]:
    """Change the release as people do; returns what the upgrade has to name."""
    name = store.name
    store.kubectl("set", "resources", f"deployment/{name}", "-c", "web", "--limits=memory=64Mi")
    store.kubectl("scale", f"deployment/{name}", "--replicas=2")
    store.kubectl("set", "env", f"deployment/{name}", "COLOR=red")
    store.kubectl("annotate", "service", name, "team=blue")
    store.kubectl("rollout", "restart", f"statefulset/{name}-database")
    store.kubectl("patch", "service", name, "-p", '{"spec": {"ports": [{"port": 80, "targetPort": 8081}]}}')
    store.kubectl("label", "deployment", name, "app.kubernetes.io/component=web", "--overwrite")
    store.kubectl("delete", "configmap", f"{name}-texts")
    apply = ("apply", "--server-side", "--field-manager=somebody", "--force-conflicts", "-f", "-")
    store.kubectl(*apply, stdin=OTHER_HOST.format(name=name))
    return [
        f'deployment/{name} spec.template.spec.containers[name="web"].resources.limits.memory (kubectl-set)',
        f"deployment/{name} spec.replicas (kubectl)",
        f"deployment/{name} metadata.labels.app.kubernetes.io/component (kubectl-label)",
        f'service/{name} spec.ports[port=80,protocol="TCP"].targetPort (kubectl-patch)',
        f"ingress/{name} spec.rules (somebody)",
        f"configmap/{name}-texts",
    ]


def test_upgrade_sets_hand_edits_back_and_names_them(store: UpgradedStore) -> None:
    named = edit(store)
    job = store.upgrade()
    store.harness.succeeded(job)
    store.require_version(store.type.version)
    results = store.results(job)
    assert [change for change in named if change not in results] == []
    deployment = json.loads(store.kubectl("get", "deployment", store.name, "-o", "json"))
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert (container["resources"]["limits"]["memory"], deployment["spec"]["replicas"]) == ("32Mi", 1)
    assert {"name": "COLOR", "value": "red"} in container["env"], "what is not the chart's stays"
    assert '"team":"blue"' in store.kubectl("get", "service", store.name, "-o", "jsonpath={.metadata.annotations}")
    again = store.upgrade()
    store.harness.succeeded(again)
    assert store.results(again) == ""


def test_change_that_is_set_in_store_values_stays_and_is_not_named_again(
    store: UpgradedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.kubectl("set", "resources", f"deployment/{store.name}", "-c", "web", "--limits=memory=48Mi")
    monkeypatch.setitem(store.harness.overlay, "booklet", {"memory": "48Mi"})
    job = store.upgrade()
    store.harness.succeeded(job)
    path = "jsonpath={.spec.template.spec.containers[0].resources.limits.memory}"
    assert store.kubectl("get", "deployment", store.name, "-o", path) == "48Mi"
    again = store.upgrade()
    store.harness.succeeded(again)
    assert store.results(again) == ""


def test_failed_upgrade_after_hand_edits_is_rolled_back(store: UpgradedStore) -> None:
    named, former = edit(store), store.version
    job = store.upgrade(image=MISSING_IMAGE)
    ended = store.harness.ended(job)
    assert ended.status == JobStatus.FAILED
    assert MISSING_IMAGE in str(ended.problem)
    store.require_version(former)
    assert [change for change in named if change not in store.results(job)] == []


@pytest.mark.parametrize("how", ["scaled", "deleted"])
def test_upgrade_wakes_what_its_migration_needs(store: UpgradedStore, how: str) -> None:
    """Somebody scaled the store to 0, or deleted its workloads; the migration asks the database."""
    workloads = (f"deployment/{store.name}", f"statefulset/{store.name}-database")
    if how == "scaled":
        store.kubectl("scale", "--replicas=0", *workloads)
    else:
        store.kubectl("delete", *workloads)
    parts = "app.kubernetes.io/component in (application, database)"  # a migration may have left its pod
    store.kubectl("wait", "--for=delete", "pods", "--selector", parts, "--timeout=120s")
    job = store.upgrade(migration=ASK_DATABASE)
    store.harness.succeeded(job)
    store.require_version(store.type.version)
    assert f"statefulset/{store.name}-database" in store.results(job)
