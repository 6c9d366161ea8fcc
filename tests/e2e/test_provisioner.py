"""The provisioner on a real cluster with real Helm: creates, deletes, crashes, supersession and failures."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from dev.cluster import Cluster as DevCluster
from dev.stack import ROOT, kubectl
from provisioner.diagnosis import Patience
from provisioner.domain.expiry import Expiry
from provisioner.domain.job import JobStatus
from provisioner.domain.store import SECRET_NAME
from provisioner.operations.namespace_metadata import annotations_of, labels_of, stores_in_cluster
from provisioner.runner.namespace_notes import NamespaceNotes
from tests.e2e.provisioner_harness import INSTANCE, ProvisionerHarness
from tests.e2e.sample_type import BOOKLET, IMAGE, SampleType, load_image
from tests.waiting import until

FOREIGN_NAMESPACE = "store-foreign-shop"
FOREIGN = f"""
apiVersion: v1
kind: Namespace
metadata: {{ name: {FOREIGN_NAMESPACE} }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{ name: theirs, namespace: {FOREIGN_NAMESPACE} }}
spec: {{ accessModes: [ReadWriteOnce], resources: {{ requests: {{ storage: 1Mi }} }} }}
"""
CLAIM_VALUES = {"size": "8Mi", "className": "", "accessMode": "ReadWriteOnce"}
OPENING = "/busybox sleep {{ .root.Values.openingSeconds }}"


@pytest.fixture(scope="module", autouse=True)
def image(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    load_image(cluster, tmp_path_factory.mktemp("image"))


@contextmanager
def opened(harness: ProvisionerHarness) -> Iterator[ProvisionerHarness]:
    yield harness
    harness.close()
    harness.remove_all()


@pytest.fixture
def leaflet_harness(cluster: DevCluster, tmp_path: Path) -> Iterator[ProvisionerHarness]:
    """A harness with leaflet, which takes some seconds to open."""
    leaflet = SampleType(tmp_path / "charts")
    leaflet.open_slowly(4)
    with opened(ProvisionerHarness(cluster, tmp_path, leaflet.charts, "leaflet")) as harness:
        yield harness


@pytest.fixture
def booklet(tmp_path: Path) -> SampleType:
    return SampleType(tmp_path / "charts", BOOKLET)


@pytest.fixture
def booklet_harness(cluster: DevCluster, tmp_path: Path, booklet: SampleType) -> Iterator[ProvisionerHarness]:
    """A harness with booklet and two volumes."""
    with opened(ProvisionerHarness(cluster, tmp_path, booklet.charts, "booklet")) as harness:
        harness.overlay["booklet"] = {"claims": {"database": CLAIM_VALUES, "uploads": CLAIM_VALUES}}
        yield harness


def keep_closed(booklet: SampleType) -> None:
    """Let the database open, and never the application."""
    booklet.change(OPENING, '/busybox sleep {{ ternary 600 0 (eq .component "application") }}')


def test_five_stores_are_created_at_the_same_time(leaflet_harness: ProvisionerHarness) -> None:
    jobs = [leaflet_harness.create(f"shop-number-{n}") for n in range(5)]
    leaflet_harness.until(jobs[-1], lambda j: j.status == JobStatus.RUNNING, 60)
    assert all(leaflet_harness.job(job).status == JobStatus.RUNNING for job in jobs)
    assert [leaflet_harness.ended(j).status for j in jobs] == [JobStatus.SUCCEEDED] * 5
    for job in jobs:
        leaflet_harness.delete(job)
    time.sleep(0.1)
    for job in jobs:
        last = leaflet_harness.ledger.jobs.last(job.store_id)
        assert last is not None
        assert leaflet_harness.ended(last).status == JobStatus.SUCCEEDED


@pytest.mark.parametrize("stage", ["release", "application"])
def test_delete_supersedes_a_running_create(
    booklet_harness: ProvisionerHarness, booklet: SampleType, stage: str
) -> None:
    harness, name = booklet_harness, f"unwanted-{stage}"
    keep_closed(booklet)
    job = harness.create(name)
    harness.wait_for_stage(job, stage)
    removal = harness.delete(job)
    assert harness.ended(removal).status == JobStatus.SUCCEEDED
    assert harness.job(job).status == JobStatus.SUPERSEDED
    assert f"namespace/store-{name}" not in harness.namespaces()
    assert harness.volumes(f"store-{name}") == []


def test_creation_waits_until_the_namespace_of_a_former_store_is_gone(leaflet_harness: ProvisionerHarness) -> None:
    cluster, name = leaflet_harness.cluster, "namespace/store-former-name"
    kubectl(cluster, "create", "namespace", "store-former-name")
    kubectl(cluster, "patch", name, "-p", json.dumps({"metadata": {"finalizers": ["storewright.dev/test"]}}))
    kubectl(cluster, "delete", name, "--wait=false")
    job = leaflet_harness.create("former-name")
    leaflet_harness.until(job, lambda found: found.attempts > 1, 30)
    kubectl(cluster, "patch", name, "-p", json.dumps({"metadata": {"finalizers": None}}))
    leaflet_harness.succeeded(job)


def test_new_owner_and_end_of_a_store_are_known_to_an_empty_ledger(leaflet_harness: ProvisionerHarness) -> None:
    harness = leaflet_harness
    job = harness.succeeded(harness.create("my-shop"))
    notes = NamespaceNotes(harness.ledger, harness.tools.cluster, INSTANCE)

    def known() -> tuple[str, float | None, float]:
        notes.write()
        stores = stores_in_cluster(harness.tools.cluster, INSTANCE)
        [found] = [store for store in stores if store.id == job.store_id]
        return found.owner, found.expires_at, found.life

    harness.ledger.set_owner(harness.store("my-shop"), "U0ADA0001")
    harness.ledger.set_expiry(harness.store("my-shop"), Expiry(2_000_000_000.5, 86_400))
    assert known() == ("U0ADA0001", 2_000_000_000.5, 86_400)
    harness.ledger.set_expiry(harness.store("my-shop"), None)
    assert known() == ("U0ADA0001", None, 0)


def test_pending_release_of_a_killed_helm_becomes_deployed(leaflet_harness: ProvisionerHarness) -> None:
    leaflet_harness.scheduler.stop()
    job = leaflet_harness.create("healed-shop")
    tools, kind = leaflet_harness.tools, leaflet_harness.tools.catalog.get("leaflet")
    store = tools.store_of(job)
    tools.cluster.create_namespace(store.namespace, labels_of(store, INSTANCE), annotations_of(store))
    facts = {"name": store.name, "displayName": store.name, "host": "healed-shop.localhost", "url": store.url}
    values = yaml.safe_dump({"store": facts, "secretName": SECRET_NAME})
    helm = [str(ROOT / "build/tools/bin/helm"), "install", store.name, str(kind.chart), "-n", store.namespace]
    helm += ["--kubeconfig", str(leaflet_harness.cluster.kubeconfig), "-f", "-"]
    killed = subprocess.Popen([*helm, "--wait"], stdin=subprocess.PIPE, text=True)
    assert killed.stdin is not None
    killed.stdin.write(values)
    killed.stdin.close()
    while not ((release := tools.cluster.release(store.namespace, store.name)) and release.status == "pending-install"):
        assert killed.poll() is None
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    leaflet_harness.ledger.close()

    leaflet_harness.open()
    leaflet_harness.succeeded(job)
    release = leaflet_harness.tools.cluster.release(store.namespace, store.name)
    assert release is not None
    assert release.status == "deployed"


def test_job_continues_in_the_next_process(leaflet_harness: ProvisionerHarness) -> None:
    job = leaflet_harness.create("handed-shop")
    leaflet_harness.wait_for_stage(job, "application")
    leaflet_harness.reopen()
    done = leaflet_harness.ended(job)
    assert (done.status, done.attempts) == (JobStatus.SUCCEEDED, 2)


@pytest.fixture
def foreign_namespace(cluster: DevCluster) -> Iterator[None]:
    """Somebody's namespace with a volume."""
    kubectl(cluster, "create", "-f", "-", stdin=FOREIGN)
    yield
    kubectl(cluster, "delete", "namespace", FOREIGN_NAMESPACE, "--wait=false")


def test_foreign_namespace_is_neither_used_nor_deleted(
    booklet_harness: ProvisionerHarness, foreign_namespace: None
) -> None:
    harness = booklet_harness
    job = harness.ended(harness.create("foreign-shop"))
    assert job.status == JobStatus.FAILED
    assert job.problem is not None
    assert "is not this store's" in job.problem.what
    assert harness.ended(harness.delete(job)).status == JobStatus.SUCCEEDED
    assert f"namespace/{FOREIGN_NAMESPACE}" in harness.namespaces()
    assert harness.volumes(FOREIGN_NAMESPACE), "the volume in the foreign namespace was deleted"


class Broken(NamedTuple):
    """Values and a change of the chart with which booklet can't start, and what the failure has to say."""

    texts: list[str]
    values: dict[str, Any] = {}
    change: tuple[str, str] = ("", "")
    patience: Patience = Patience()


REQUESTS = "resources: { requests: { cpu: 1000 }, "
BROKEN = {
    "image": Broken(["storewright/none:none", "can't be pulled"], change=(IMAGE, "storewright/none:none")),
    "storage-quota": Broken(["quota"], {"claims": {"database": {**CLAIM_VALUES, "size": "90Gi"}}}),
    "storage-class": Broken(
        ["volume", "nowhere"],
        {"claims": {"database": {**CLAIM_VALUES, "className": "nowhere"}}},
        patience=Patience(volume=2.0),
    ),
    "memory-quota": Broken(["quota"], {"memory": "5Gi"}),
    "no-room": Broken(
        ["finds no node", "Insufficient cpu"],
        change=("resources: { ", REQUESTS),
        patience=Patience(unschedulable=2.0),
    ),
    "unknown-field": Broken(
        ["resourcez: field not declared in schema", "Correct the chart"], change=("resources: { ", "resourcez: { ")
    ),
    "crash": Broken(
        ["keeps crashing", "exit code 1", "error: a page is missing"],
        change=(OPENING, "/busybox touch /www/broken"),
        patience=Patience(crash=0.0),
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_failed_create_names_the_cause(
    booklet_harness: ProvisionerHarness, booklet: SampleType, request: pytest.FixtureRequest, broken: Broken
) -> None:
    harness = booklet_harness
    harness.close()
    booklet.change(*broken.change)
    harness.overlay = {"booklet": broken.values}
    harness.patience = broken.patience
    harness.open()
    job = harness.ended(harness.create(f"broken-{request.node.callspec.id}"), 45)
    assert job.status == JobStatus.FAILED
    assert job.problem is not None
    for text in broken.texts:
        assert text in f"{job.problem} {job.problem.log_tail}"


def test_delete_that_hangs_names_the_finalizer_and_can_be_retried(leaflet_harness: ProvisionerHarness) -> None:
    job = leaflet_harness.create("held-shop")
    leaflet_harness.wait_for_stage(job, "release")
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/held"]}}
    kubectl(leaflet_harness.cluster, "apply", "-n", "store-held-shop", "-f", "-", stdin=json.dumps(held))
    try:
        stuck = leaflet_harness.ended(leaflet_harness.delete(job, seconds=15))
    finally:
        release = ("-p", '{"metadata": {"finalizers": null}}', "--type=merge")
        kubectl(leaflet_harness.cluster, "patch", "configmap", "held", "-n", "store-held-shop", *release)
    assert stuck.status == JobStatus.FAILED
    assert "example.com/held" in str(stuck.problem)
    assert leaflet_harness.ended(leaflet_harness.retry(stuck)).status == JobStatus.SUCCEEDED
    assert "namespace/store-held-shop" not in leaflet_harness.namespaces()


def test_job_without_helm_fails_with_the_program_to_install(leaflet_harness: ProvisionerHarness) -> None:
    harness = leaflet_harness
    harness.tools.helm.binary = "/nowhere/helm"
    job = harness.ended(harness.create("helmless-shop"))
    assert job.status == JobStatus.FAILED
    assert "Install Helm 4" in str(job.problem)
    harness.reopen()
    harness.succeeded(harness.retry(job))


def test_delete_names_and_keeps_retained_volumes(booklet_harness: ProvisionerHarness, booklet: SampleType) -> None:
    harness = booklet_harness
    keep_closed(booklet)
    job = harness.create("retained-shop")
    kept = until("both volumes", lambda: found if len(found := harness.volumes("store-retained-shop")) == 2 else [])
    retain = json.dumps({"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    kubectl(harness.cluster, "patch", "pv", *kept, "-p", retain)
    failed = harness.ended(harness.delete(job))
    assert failed.status == JobStatus.FAILED
    assert all(name in str(failed.problem) for name in kept)
    assert "Their StorageClass has the reclaim policy Retain." in str(failed.problem)
    assert harness.volumes("store-retained-shop") == kept

    assert "Delete them (kubectl delete pv …) when nobody needs them, then retry." in str(failed.problem)
    kubectl(harness.cluster, "delete", "pv", *kept)
    assert harness.ended(harness.retry(failed)).status == JobStatus.SUCCEEDED
    assert harness.volumes("store-retained-shop") == []
