"""A store is cloned, as it is now or from a backup; the clone is a store of its own, and the first one goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import kubectl
from provisioner.domain.job import JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.operations.clone import CLONE
from provisioner.operations.steps.chart_job import NAME_LABEL
from tests.e2e.backed_up_store import BackedUpStore, backed_up_store
from tests.e2e.backup_server import BackupServer


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "cloned")


@pytest.fixture(scope="module")
def store(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    with backed_up_store(server, tmp_path_factory.mktemp("cloned")) as made:
        yield made


def size_of_uploads(store: BackedUpStore, name: str) -> str:
    """The size of the uploads of the store called `name`."""
    where = ("-n", f"store-{name}", "get", f"pvc/{name}-uploads", "-o", "jsonpath={.spec.resources.requests.storage}")
    return kubectl(store.harness.cluster, *where)


def access_of(store: BackedUpStore, name: str) -> str:
    """The repository that the backup Jobs of a store may open."""
    where = ("-n", f"store-{name}", "get", "secret/store-backup", "-o", "jsonpath={.data.repository}")
    return kubectl(store.harness.cluster, *where)


def test_clone_has_the_data_and_is_a_store_of_its_own(store: BackedUpStore, server: BackupServer) -> None:
    picture, name = store.upload(), f"{store.name}-a"
    cloned = store.harness.succeeded(store.harness.clone(store.made, name))
    assert store.picture_in(name) == picture
    assert store.intact()
    assert access_of(store, name) != access_of(store, store.name)
    credentials = ("get", "secret/store-credentials", "-o", "jsonpath={.data.password}")
    assert kubectl(store.harness.cluster, "-n", f"store-{name}", *credentials) != store.kubectl(*credentials)
    [made] = store.harness.backups(store.made)
    assert (made.reason, made.job_id) == ("for a clone", cloned.id)
    store.harness.succeeded(store.harness.backup(cloned))
    assert [snapshot["tags"] for snapshot in server.snapshots(cloned.store_id)]
    store.harness.succeeded(store.harness.delete(cloned))
    store.harness.succeeded(store.harness.undelete(cloned))
    assert store.picture_in(name) == picture


def test_clone_of_a_backup_has_the_data_of_that_time(store: BackedUpStore) -> None:
    earlier, name = store.upload(), f"{store.name}-b"
    store.harness.succeeded(store.harness.backup(store.made))
    backup = store.harness.backups(store.made)[0]
    store.upload()
    store.harness.succeeded(store.harness.clone(store.made, name, backup.id))
    assert store.picture_in(name) == earlier


def test_clone_has_volumes_as_large_as_those_of_the_store(store: BackedUpStore) -> None:
    name, claims = f"{store.name}-f", store.harness.overlay[store.type.name]["claims"]
    claims["uploads"]["size"] = "8Mi"  # for new stores, after this one was made with 16Mi
    store.harness.reopen()
    store.harness.succeeded(store.harness.clone(store.made, name))
    assert size_of_uploads(store, name) == "16Mi"
    made = next(job for job in store.harness.ledger.jobs.of_kind(CLONE.kind) if job.store == name)
    store.harness.succeeded(store.harness.delete(made))
    store.harness.succeeded(store.harness.undelete(made))
    assert size_of_uploads(store, name) == "16Mi"
    claims["uploads"]["size"] = "16Mi"
    store.harness.reopen()


def test_interrupted_clone_goes_on_and_fills_the_store_once(store: BackedUpStore) -> None:
    picture, name = store.upload(), f"{store.name}-c"
    job = store.harness.clone(store.made, name)
    for stage in ("namespace", "secrets", "release", "backup", "restore", "application"):
        store.harness.wait_for_stage(job, stage)
        store.harness.reopen()
    store.harness.succeeded(job)
    assert store.picture_in(name) == picture
    assert len([made for made in store.harness.backups(store.made) if made.job_id == job.id]) == 1


def test_backups_of_the_store_and_its_clone_do_not_stop_each_other(store: BackedUpStore) -> None:
    clone = store.harness.clone(store.made, f"{store.name}-d")
    store.harness.wait_for_stage(clone, "namespace")
    store.harness.succeeded(store.harness.backup(store.made))
    store.harness.succeeded(clone)


def test_restore_waits_for_the_backup_of_a_clone(store: BackedUpStore) -> None:
    store.harness.succeeded(store.harness.backup(store.made))
    reader = start_backup_for_a_clone(store)
    job = store.harness.restore(store.made, store.harness.backups(store.made)[0], back_up_first=False)
    store.harness.wait_for_stage(job, "stop")
    assert store.intact(), "the shop is open meanwhile"
    store.harness.wait_for_stage(job, "restore")
    ended = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"  # the pod's phase may follow later
    assert store.kubectl("get", "pod", reader, "-o", ended) == "0"
    store.harness.succeeded(job)
    store.kubectl("delete", "pod", reader)


def start_backup_for_a_clone(store: BackedUpStore) -> str:
    """A pod that runs for some seconds and looks like the one that backs the store up for a clone."""
    spec = json.loads(store.kubectl("get", f"deployment/{store.name}", "-o", "json"))["spec"]["template"]["spec"]
    (application,) = spec["containers"]
    container = {key: application[key] for key in ("image", "securityContext")}
    name = f"{store.name}-backup-0-clone"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {NAME_LABEL: name}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": spec["securityContext"],
            "containers": [{**container, "name": "backup", "command": ["/busybox", "sleep", "5"]}],
        },
    }
    kubectl(store.harness.cluster, "create", "-n", f"store-{store.name}", "-f", "-", stdin=json.dumps(pod))
    store.kubectl("wait", f"pod/{name}", "--for=condition=Ready")
    return name


def test_failed_clone_leaves_the_store_alone_and_its_retry_succeeds(store: BackedUpStore, server: BackupServer) -> None:
    name = f"{store.name}-e"
    with server.away():
        failed = store.harness.ended(store.harness.clone(store.made, name))
    assert failed.status == JobStatus.FAILED
    assert "the backup server does not answer" in str(failed.problem)
    assert store.harness.store(name).status == StoreStatus.FAILED
    assert store.intact()
    store.harness.succeeded(store.harness.retry(failed))
    store.harness.succeeded(store.harness.delete(failed, now=True))
