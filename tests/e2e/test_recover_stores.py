"""Stores whose cluster and ledger are gone come back from their backups and the copy of the backups' keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import kubectl
from provisioner.domain.job import Job
from provisioner.domain.store import StoreStatus
from provisioner.recovery import lost_stores
from tests.e2e.backed_up_store import BackedUpStore, backed_up_store
from tests.e2e.backup_server import BackupServer
from tests.e2e.provisioner_harness import INSTANCE
from tests.waiting import until

SECRET = "secret/recovered-backup"
Lived = dict[str, tuple[str, str, str]]  # by name: the login, the picture's checksum, the owner


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "recovered")


@pytest.fixture(scope="module")
def store(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    with backed_up_store(server, tmp_path_factory.mktemp("recovered")) as made:
        yield made


def login(store: BackedUpStore) -> str:
    return store.kubectl("get", "secret/store-credentials", "-o", "jsonpath={.data}")


def lose_cluster(server: BackupServer, stores: list[BackedUpStore]) -> None:
    """Lose the stores' namespaces and the Secret with the keys; then create the Secret from its copy."""
    copy = json.loads(server.kubectl("get", SECRET, "-o", "json"))
    for store in stores:
        kubectl(server.cluster, "delete", "namespace", store.namespace)
    server.kubectl("delete", SECRET)
    copy["metadata"] = {key: copy["metadata"][key] for key in ("name", "labels") if key in copy["metadata"]}
    server.kubectl("create", "-f", "-", stdin=json.dumps(copy))


def recover(store: BackedUpStore, server: BackupServer, *names: str) -> list[Job]:
    """What `storewright recover` does."""
    harness = store.harness
    found = lost_stores(harness.ledger, harness.tools.cluster, server.url, INSTANCE)
    return [harness.recover(kept) for kept in found if not names or kept.store.name in names]


def test_all_stores_come_back_into_an_empty_cluster_and_an_empty_ledger(
    store: BackedUpStore, server: BackupServer
) -> None:
    harness = store.harness
    stores = [store, *(BackedUpStore(harness, store.type) for _ in range(3))]
    pictures = {one.name: one.upload() for one in stores}
    for one in stores:
        harness.succeeded(harness.backup(one.made))
    [*living, gone] = stores
    before = {one.name: (harness.store(one.name), login(one)) for one in living}
    harness.succeeded(harness.delete(gone.made))
    assert recover(store, server) == []
    harness.close()
    lose_cluster(server, living)
    (harness.folder / "ledger.db").rename(harness.folder / "lost.db")
    harness.open()
    jobs = recover(store, server)
    assert {job.store for job in jobs} == {one.name for one in living}, "not the one that somebody deleted"
    for job in jobs:
        harness.succeeded(job, 300)
    for one in living:
        until("the shop sells again", one.intact)
        assert one.checksum() == pictures[one.name]
        found, credentials = before[one.name]
        now = harness.store(one.name)
        assert replace(now, ready_at=found.ready_at, kept_until=found.kept_until) == found
        assert login(one) == credentials
    assert recover(store, server) == []


def test_store_whose_namespace_somebody_deleted_comes_back(store: BackedUpStore, server: BackupServer) -> None:
    other = BackedUpStore(store.harness, store.type)
    picture = other.upload()
    store.harness.succeeded(store.harness.backup(other.made))
    kubectl(server.cluster, "delete", "namespace", other.namespace)
    [job] = recover(store, server, other.name)
    store.harness.succeeded(job)
    assert other.checksum() == picture
    assert store.harness.store(other.name).status == StoreStatus.READY
