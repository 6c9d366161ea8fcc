"""The provisioner on a real cluster with real Helm: crashes, supersession, repair, and deletes that leave nothing."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.cluster import Cluster as DevCluster
from dev.stack import ROOT, kubectl
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.diagnosis import Patience
from provisioner.domain.job import EventKind, JobStatus
from provisioner.domain.store import SECRET_NAME, StoreStatus
from provisioner.operations.namespace_metadata import annotations_of, labels_of, stores_in_cluster
from tests.e2e.provisioner_harness import INSTANCE, Works
from tests.ledgers import exclusive_ledger

FOREIGN = "store-foreign-shop"
CLAIM = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "theirs"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
)


@pytest.fixture
def works(cluster: DevCluster, tmp_path: Path) -> Iterator[Works]:
    opened = Works(cluster, tmp_path)
    yield opened
    opened.close()
    opened.remove_all()
    kubectl(cluster, "delete", "namespace", FOREIGN, "--ignore-not-found", "--wait=false")


def test_store_becomes_ready_and_its_delete_leaves_nothing(works: Works) -> None:
    job = works.ended(works.create("plain-medusa"))
    assert job.status == JobStatus.SUCCEEDED, job.problem
    store = works.store("plain-medusa")
    assert store.status == StoreStatus.READY
    stages = [e.stage for e in works.ledger.jobs.events(job.id) if e.kind == EventKind.DONE]
    assert stages == ["namespace", "secrets", "release", "database", "application", "storefront", "check"]
    assert works.volumes(store.namespace)
    _require_no_secret_in_release(works, store.namespace)
    _require_ledger_can_be_rebuilt(works, store.namespace)

    removal = works.ended(works.delete(job))
    assert removal.status == JobStatus.SUCCEEDED, removal.problem
    assert f"namespace/{store.namespace}" not in works.namespaces()
    assert works.volumes(store.namespace) == []


def _require_no_secret_in_release(works: Works, namespace: str) -> None:
    values = Cluster(works.cluster.kubeconfig).read_secret(namespace, SECRET_NAME)
    helm = [str(ROOT / "build/tools/bin/helm"), "get", "all", "plain-medusa", "-n", namespace]
    release = subprocess.run(
        [*helm, "--kubeconfig", str(works.cluster.kubeconfig)], capture_output=True, text=True, check=True
    ).stdout
    assert SECRET_NAME in release
    for key in ("admin-password", "database-password"):
        assert values[key] not in release


def _require_ledger_can_be_rebuilt(works: Works, namespace: str) -> None:
    known = works.store("plain-medusa")
    with exclusive_ledger(works.folder / "rebuilt.db") as fresh:
        adopted = [store for store in stores_in_cluster(works.tools.cluster, INSTANCE) if fresh.stores.adopt(store)]
    found = next(store for store in adopted if store.namespace == namespace)
    assert found.ready_at is not None
    assert replace(found, ready_at=known.ready_at) == known


def test_five_stores_are_created_at_the_same_time(works: Works) -> None:
    jobs = [works.create(f"shop-number-{n}") for n in range(5)]
    works.until(jobs[-1], lambda j: j.status == JobStatus.RUNNING, 10)
    assert all(works.job(job).status == JobStatus.RUNNING for job in jobs)
    assert [works.ended(j).status for j in jobs] == [JobStatus.SUCCEEDED] * 5
    for job in jobs:
        works.delete(job)
    time.sleep(0.1)
    for job in jobs:
        last = works.ledger.jobs.last(job.store_id)
        assert last is not None
        assert works.ended(last).status == JobStatus.SUCCEEDED


@pytest.mark.parametrize("stage", ["release", "application"])
def test_delete_supersedes_a_running_create(works: Works, stage: str) -> None:
    name = f"unwanted-{stage}"
    job = works.create(name)
    works.reached(job, stage)
    removal = works.delete(job)
    assert works.ended(removal).status == JobStatus.SUCCEEDED
    assert works.job(job).status == JobStatus.SUPERSEDED
    assert f"namespace/store-{name}" not in works.namespaces()
    assert works.volumes(f"store-{name}") == []


def test_release_left_pending_by_a_killed_helm_becomes_deployed(works: Works) -> None:
    works.scheduler.stop()
    job = works.create("healed-shop")
    tools, kind = works.tools, works.tools.catalog.get("medusa")
    store = tools.store_of(job)
    tools.cluster.create_namespace(store.namespace, labels_of(store, INSTANCE), annotations_of(store))
    facts = {"name": store.name, "displayName": store.name, "host": "healed-shop.localhost", "url": store.url}
    values = yaml.safe_dump({**works.overlay["medusa"], "store": facts, "secretName": SECRET_NAME})
    helm = [str(ROOT / "build/tools/bin/helm"), "install", store.name, str(kind.chart), "-n", store.namespace]
    killed = subprocess.Popen(
        [
            *helm,
            "--kubeconfig",
            str(works.cluster.kubeconfig),
            "-f",
            str(kind.chart / "values-local.yaml"),
            "-f",
            "-",
            "--wait",
        ],
        stdin=subprocess.PIPE,
        text=True,
    )
    assert killed.stdin is not None
    killed.stdin.write(values)
    killed.stdin.close()
    while not ((release := tools.helm.release(store.name, store.namespace)) and release.status == "pending-install"):
        assert killed.poll() is None
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    works.ledger.close()

    works.open()
    healed = works.ended(job)
    assert healed.status == JobStatus.SUCCEEDED, healed.problem
    release = works.tools.helm.release(store.name, store.namespace)
    assert release is not None
    assert release.status == "deployed"


def test_job_goes_on_in_the_next_process(works: Works) -> None:
    job = works.create("handed-shop")
    works.reached(job, "database")
    works.close()
    works.open()
    done = works.ended(job)
    assert (done.status, done.attempts) == (JobStatus.SUCCEEDED, 2)


def test_namespace_of_somebody_else_is_neither_used_nor_deleted(works: Works) -> None:
    kubectl(works.cluster, "create", "namespace", FOREIGN)
    kubectl(works.cluster, "apply", "-n", FOREIGN, "-f", "-", stdin=CLAIM)
    job = works.ended(works.create("foreign-shop"))
    assert job.status == JobStatus.FAILED
    assert job.problem is not None
    assert "is not this store's" in job.problem.what
    assert works.ended(works.delete(job)).status == JobStatus.SUCCEEDED
    assert f"namespace/{FOREIGN}" in works.namespaces()
    assert works.volumes(FOREIGN), "somebody else's volume is kept too"


@pytest.mark.parametrize(
    ("overlay", "patience", "texts"),
    [
        (
            {"image": {"repository": "storewright/none", "tag": "none"}},
            {},
            ["storewright/none:none", "can't be pulled"],
        ),
        ({"postgresql": {"storage": {"size": "90Gi"}}}, {}, ["quota"]),
        ({"postgresql": {"storage": {"className": "nowhere"}}}, {"volume": 2.0}, ["volume", "nowhere"]),
        ({"resources": {"requests": {"memory": "5Gi"}, "limits": {"memory": "5Gi"}}}, {}, ["quota"]),
        ({"resources": {"requests": {"cpu": "1000"}}}, {"unschedulable": 2.0}, ["finds no node", "Insufficient cpu"]),
        # PostgreSQL's image in Medusa's place ends at once, with a message in its log.
        ({"image": "postgresql"}, {"crash": 0.0}, ["keeps crashing", "exit code 1", "POSTGRES_PASSWORD must be"]),
    ],
    ids=["image", "storage-quota", "storage-class", "memory-quota", "no-room", "crash"],
)
def test_failed_create_names_the_cause(
    works: Works, request: pytest.FixtureRequest, overlay: dict[str, Any], patience: dict[str, float], texts: list[str]
) -> None:
    works.close()
    medusa = works.overlay["medusa"]
    if overlay.get("image") == "postgresql":
        overlay = {"image": medusa["postgresql"]["image"]}
    works.overlay = {"medusa": _merged(medusa, overlay)}
    works.patience = Patience(**patience)
    works.open()
    began = time.monotonic()
    job = works.ended(works.create(f"broken-{request.node.callspec.id}"), 60)
    assert job.status == JobStatus.FAILED
    assert job.problem is not None
    for text in texts:
        assert text in f"{job.problem} {job.problem.log_tail}"
    assert time.monotonic() - began < 45


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    nested = {
        k: _merged(below[k], v) for k, v in above.items() if isinstance(v, dict) and isinstance(below.get(k), dict)
    }
    return {**below, **above, **nested}


def test_delete_that_hangs_names_the_finalizer_and_can_be_retried(works: Works) -> None:
    job = works.create("held-shop")
    works.reached(job, "release")
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/held"]}}
    kubectl(works.cluster, "apply", "-n", "store-held-shop", "-f", "-", stdin=json.dumps(held))
    try:
        stuck = works.ended(works.delete(job, seconds=25))
    finally:
        release = '{"metadata": {"finalizers": null}}'
        kubectl(works.cluster, "patch", "configmap", "held", "-n", "store-held-shop", "-p", release, "--type=merge")
    assert stuck.status == JobStatus.FAILED
    assert "example.com/held" in str(stuck.problem)
    assert works.ended(works.retry(stuck)).status == JobStatus.SUCCEEDED
    assert "namespace/store-held-shop" not in works.namespaces()


def test_job_without_helm_says_what_to_install(works: Works) -> None:
    works.tools.helm.binary = "/nowhere/helm"
    job = works.ended(works.create("helmless-shop"))
    assert job.status == JobStatus.FAILED
    assert "Install Helm 4" in str(job.problem)


def test_delete_names_and_keeps_retained_volumes(works: Works) -> None:
    job = works.create("retained-shop")
    works.reached(job, "application")
    kept = works.volumes("store-retained-shop")

    def reclaim(policy: str) -> None:
        patch = json.dumps({"spec": {"persistentVolumeReclaimPolicy": policy}})
        kubectl(works.cluster, "patch", "pv", *kept, "-p", patch)

    reclaim("Retain")
    spared = works.ended(works.delete(job))
    assert spared.status == JobStatus.FAILED
    assert all(name in str(spared.problem) for name in kept)
    assert "Their StorageClass has the reclaim policy Retain." in str(spared.problem)
    assert works.volumes("store-retained-shop") == kept

    reclaim("Delete")
    assert works.ended(works.retry(spared)).status == JobStatus.SUCCEEDED
    assert works.volumes("store-retained-shop") == []
