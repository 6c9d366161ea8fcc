"""A deleted store comes back with its data, at its address, with its credentials, or is gone for good."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

import pytest

from dev.cluster import Cluster as DevCluster
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import StoreDeleted, StoreExists
from provisioner.domain.job import Job, JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.runner.forgotten_stores import ForgottenStores
from provisioner.runner.kept_backups import KeptBackups
from tests.e2e.backed_up_store import BackedUpStore, backed_up_store, reused_store
from tests.e2e.backup_server import BackupServer
from tests.waiting import until

KEYS = "secret/undeleted-backup"


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "undeleted")


@pytest.fixture(scope="module")
def first(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    with backed_up_store(server, tmp_path_factory.mktemp("undeleted")) as made:
        yield made


@pytest.fixture(scope="module")
def stores(first: BackedUpStore) -> Callable[[], BackedUpStore]:
    return reused_store(first)


@pytest.fixture
def store(stores: Callable[[], BackedUpStore]) -> BackedUpStore:
    return stores()


@pytest.fixture
def fresh(first: BackedUpStore) -> BackedUpStore:
    """A store that no other test has used."""
    return BackedUpStore(first.harness, first.type)


def deleted(store: BackedUpStore) -> Job:
    return store.harness.succeeded(store.harness.delete(store.made))


def credentials(store: BackedUpStore) -> str:
    return store.kubectl("get", "secret/store-credentials", "-o", "jsonpath={.data}")


def keys(server: BackupServer) -> dict[str, str]:
    data: dict[str, str] = json.loads(server.kubectl("get", KEYS, "-o", "jsonpath={.data}"))
    return data


def test_deleted_store_comes_back_as_it_was(store: BackedUpStore) -> None:
    login, url, picture = credentials(store), store.harness.store(store.name).url, store.upload()
    deleted(store)
    assert store.namespace not in " ".join(store.harness.namespaces()).split()
    last = store.harness.backups(store.made)[0]
    assert last.reason == "before a deletion"
    with pytest.raises(StoreExists, match="can still be undeleted"):
        store.harness.create(store.name)
    store.harness.succeeded(store.harness.undelete(store.made))
    until("the shop is back", store.intact)
    back = store.harness.store(store.name)
    assert (back.url, back.deleted_at, back.deleted_by) == (url, None, None)
    assert (credentials(store), store.checksum()) == (login, picture)
    store.upload()
    deleted(store)  # and again, from a backup of its own
    assert store.harness.backups(store.made)[1] == last
    store.harness.succeeded(store.harness.undelete(store.made))
    assert store.checksum() != picture


def test_interrupted_deletion_and_undelete_go_on(store: BackedUpStore) -> None:
    picture, before = store.upload(), len(store.harness.backups(store.made))
    for order, stages in (
        (store.harness.delete, ("backup", "namespace")),
        (store.harness.undelete, ("namespace", "secrets", "release", "restore", "application")),
    ):
        job = order(store.made)
        for stage in stages:
            store.harness.wait_for_stage(job, stage)
            store.harness.reopen()
        store.harness.succeeded(job)
    until("the shop is back", store.intact)
    assert store.checksum() == picture
    assert len(store.harness.backups(store.made)) == before + 1


def test_undelete_that_fails_in_the_middle_is_retried_or_deleted_again_without_loss(
    store: BackedUpStore, server: BackupServer
) -> None:
    picture, before = store.upload(), len(store.harness.backups(store.made))
    deleted(store)
    with server.away():
        failed = store.harness.ended(store.harness.undelete(store.made))
    assert "the backup server does not answer" in str(failed.problem)
    assert store.harness.store(store.name).status == StoreStatus.FAILED
    deleted(store)  # what it holds now is worth no backup
    assert len(store.harness.backups(store.made)) == before + 1
    with server.away():
        failed = store.harness.ended(store.harness.undelete(store.made))
    store.harness.succeeded(store.harness.retry(failed))
    until("the shop is back", store.intact)
    assert store.checksum() == picture


def test_undelete_needs_the_kept_credentials(store: BackedUpStore, server: BackupServer) -> None:
    deleted(store)
    key = f"credentials.{store.made.store_id}"
    lost = keys(server)[key]
    server.kubectl("patch", KEYS, "--type=merge", "-p", json.dumps({"data": {key: None}}))
    failed = store.harness.ended(store.harness.undelete(store.made))
    assert "were not kept" in str(failed.problem)
    server.kubectl("patch", KEYS, "--type=merge", "-p", json.dumps({"data": {key: lost}}))
    store.harness.succeeded(store.harness.retry(failed))


def test_store_that_cannot_be_backed_up_is_deleted_only_for_good(fresh: BackedUpStore, server: BackupServer) -> None:
    fresh.harness.succeeded(fresh.harness.backup(fresh.made))
    with server.away():
        failed = fresh.harness.ended(fresh.harness.delete(fresh.made))
    assert failed.status == JobStatus.FAILED
    assert "Nothing was deleted, because the last backup failed" in str(failed.problem)
    assert fresh.harness.store(fresh.name).status == StoreStatus.READY
    until("the shop is as it was", fresh.intact)
    fresh.harness.succeeded(fresh.harness.delete(fresh.made, now=True))
    gone(fresh, server)


def test_store_whose_time_is_over_is_gone_with_its_backups(fresh: BackedUpStore, server: BackupServer) -> None:
    deleted(fresh)
    fresh.harness.ledger.stores.keep_until(fresh.made.store_id, fresh.harness.ledger.clock())
    gone(fresh, server)


def gone(store: BackedUpStore, server: BackupServer) -> None:
    """The store can't be undeleted, its name is free, and nothing is left of it."""
    ledger, store_id = store.harness.ledger, store.made.store_id
    with pytest.raises(StoreDeleted):
        store.harness.undelete(store.made)
    ForgottenStores(ledger, Cluster(server.cluster.kubeconfig), server.url).forget()
    assert store.harness.backups(store.made) == []
    assert ledger.stores.to_forget() == []
    kept = keys(server)
    assert base64.b64decode(kept[f"purge.{store_id}"]).decode() == store.name
    assert not kept.keys() & {f"password.{store_id}", f"credentials.{store_id}"}
    log = server.remove_old_backups(f"purge-{store.name}", f"purge.{store_id}")
    assert json.loads(log.splitlines()[0]) == {"store": store_id, "purged": True}
    assert store_id not in server.kubectl("exec", "deployment/undeleted-backup", "--", "ls", "/data")
    KeptBackups(ledger, Cluster(server.cluster.kubeconfig), server.url).read()
    assert f"purge.{store_id}" not in keys(server)
    store.harness.succeeded(store.harness.create(store.name))
