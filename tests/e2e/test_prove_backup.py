"""A backup is proven: a copy of the store is made from it, visited as a shopper does, and removed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from dev.cluster import Cluster as DevCluster
from provisioner.domain.job import Job, JobStatus
from provisioner.operations.namespace_metadata import copies_in_cluster, stores_in_cluster
from provisioner.operations.prove import copy_of
from provisioner.runner.backup_proofs import remove_copies
from tests.e2e.backed_up_store import BackedUpStore, backed_up_store
from tests.e2e.backup_server import BackupServer
from tests.waiting import until


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "proven")


@pytest.fixture(scope="module")
def store(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    with backed_up_store(server, tmp_path_factory.mktemp("proven")) as made:
        made.upload()
        made.harness.succeeded(made.harness.backup(made.made))
        yield made


def copies(store: BackedUpStore) -> list[str]:
    """The namespaces with copies of the store that are not being deleted."""
    found = copies_in_cluster(store.harness.tools.cluster, store.harness.tools.defaults.instance)
    return [namespace for namespace, store_id in found.items() if store_id == store.made.store_id]


def failed(store: BackedUpStore, job: Job, *words: str) -> Job:
    """The job at its end; its problem has these words, and no copy is left."""
    ended = store.harness.ended(job)
    assert ended.status == JobStatus.FAILED
    assert [word for word in words if word not in str(ended.problem)] == []
    assert copies(store) == []
    return ended


def test_copy_that_nothing_leads_to_proves_the_backup(store: BackedUpStore) -> None:
    job = store.harness.prove(store.made)
    store.harness.wait_for_stage(job, "visit")
    cluster, copy = store.harness.tools.cluster, copy_of(store.harness.store(store.name))
    assert copies(store) == [copy.namespace]
    assert [route for route in cluster.routes() if route.namespace == copy.namespace] == []
    found = stores_in_cluster(cluster, store.harness.tools.defaults.instance)
    assert [one.id for one in found if one.name.startswith(store.name)] == [store.made.store_id]
    store.harness.succeeded(job)
    [backup] = store.harness.backups(store.made)
    assert backup.proven_at is not None
    assert store.results(job) == "A page."
    assert cluster.namespace(copy.namespace) is None
    assert store.intact()


def test_interrupted_proof_goes_on(store: BackedUpStore) -> None:
    job = store.harness.prove(store.made)
    for stage in ("namespace", "secrets", "release", "restore", "application", "visit", "remove"):
        store.harness.wait_for_stage(job, stage)
        store.harness.reopen()
    store.harness.succeeded(job)
    assert copies(store) == []


def test_backup_that_holds_less_than_it_should_fails_its_proof(store: BackedUpStore) -> None:
    db, [backup] = store.harness.ledger.store_backups._connection.db, store.harness.backups(store.made)
    with store.harness.ledger.transaction():
        db.execute("UPDATE store_backups SET counts = ?", [json.dumps({"pages": 17})])
    failed(store, store.harness.prove(store.made), "holds only 16 of 17 pages", f"/store backups {store.name}")
    with store.harness.ledger.transaction():
        db.execute("UPDATE store_backups SET counts = ?", [json.dumps(backup.counts)])


def test_copy_that_does_not_work_fails_the_proof_and_its_retry_succeeds(store: BackedUpStore) -> None:
    jobs = store.type.chart / "templates/backup.yaml"
    good = jobs.read_text()
    jobs.write_text(good.replace("/busybox timeout", "echo error: no shop >&2; exit 5; /busybox timeout"))
    store.harness.reopen()
    job = failed(store, store.harness.prove(store.made), "exit code 5", "error: no shop")
    jobs.write_text(good)
    store.harness.reopen()
    store.harness.succeeded(store.harness.retry(job))


def test_copy_of_a_store_that_is_deleted_meanwhile_is_removed(store: BackedUpStore) -> None:
    tools, copy = store.harness.tools, copy_of(store.harness.store(store.name))
    store.harness.wait_for_stage(store.harness.prove(store.made), "restore")
    store.harness.succeeded(store.harness.delete(store.made))
    remove_copies(store.harness.ledger, tools.cluster, tools.defaults.instance)
    until("the copy to go", lambda: tools.cluster.namespace(copy.namespace) is None)
