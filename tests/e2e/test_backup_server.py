"""The backup server and restic with a tiny store: what a backup adds, a server that is away, and stolen access."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dev.cluster import Cluster as DevCluster
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.job import JobStatus
from provisioner.operations.steps.backup_job import ensure_keys
from tests.e2e.backed_up_store import PICTURE_BYTES, BackedUpStore, backed_up_store
from tests.e2e.backup_server import BackupServer

# What somebody tries who got the access of a store's backup Job. $OTHER is another store's repository.
THIEF = """
server=${RESTIC_REPOSITORY%/*/}
/tools/restic snapshots --json >/tmp/before
timeout 30 /tools/restic forget --keep-last 1 --group-by '' --prune
timeout 30 /tools/restic -r "$server/$OTHER/" snapshots && echo "other backups read"
timeout 30 /tools/restic -r "$server/$OTHER/" init && echo "other repository changed"
/tools/restic snapshots --json >/tmp/after
[ "$(cat /tmp/before)" = "$(cat /tmp/after)" ] && echo "own backups are all there"
"""


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "own")


@pytest.fixture(scope="module")
def store(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    with backed_up_store(server, tmp_path_factory.mktemp("server")) as made:
        yield made


def access_stolen(store: BackedUpStore, other: str) -> str:
    """The log of a pod with the access of the store's backup Job, which tries the THIEF's script."""
    cron_job = json.loads(store.kubectl("get", "cronjob", f"{store.name}-backup", "-o", "json"))
    template = cron_job["spec"]["jobTemplate"]
    container = template["spec"]["template"]["spec"]["containers"][0]
    container |= {"command": ["sh", "-c"], "args": [THIEF]}
    container["env"].append({"name": "OTHER", "value": other})
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "thief"}, "spec": template["spec"]}
    store.kubectl("apply", "-f", "-", stdin=json.dumps(job))
    store.kubectl("wait", "--for=condition=Complete", "job/thief", "--timeout=180s")
    return store.kubectl("logs", "job/thief")


def test_processes_that_make_the_keys_at_once_get_the_same(cluster: DevCluster) -> None:
    race = BackupServer(cluster, "race")
    race.kubectl("create", "secret", "generic", "race-backup")
    try:
        with ThreadPoolExecutor() as threads:
            made = list(threads.map(lambda _: ensure_keys(Cluster(cluster.kubeconfig), race.url), range(6)))
    finally:
        race.kubectl("delete", "secret", "race-backup")
    assert len({keys["key"] for keys in made}) == 1
    assert len({keys["ca.crt"] for keys in made}) == 1


def test_second_backup_adds_only_what_changed(store: BackedUpStore, server: BackupServer) -> None:
    store.upload()
    for _ in range(2):
        store.harness.succeeded(store.harness.backup(store.made))
    later, first = store.harness.backups(store.made)
    assert first.added_bytes > PICTURE_BYTES
    assert later.added_bytes < PICTURE_BYTES / 100
    assert first.bytes == later.bytes == PICTURE_BYTES + len("16 pages\n")
    assert later.counts == {"pages": 16}
    assert [one["id"] for one in server.snapshots(store.made.store_id)] == [first.id, later.id]
    assert server.restic(store.made.store_id, "dump", "latest", "/dump/database.sql") == "16 pages\n"
    assert "/uploads/picture" in server.restic(store.made.store_id, "ls", "latest")
    assert "no errors were found" in server.restic(store.made.store_id, "check", "--read-data")


def test_backup_fails_soon_while_the_server_is_away_and_its_retry_succeeds(
    store: BackedUpStore, server: BackupServer
) -> None:
    with server.away():
        failed = store.harness.ended(store.harness.backup(store.made))
    assert failed.status == JobStatus.FAILED
    assert "the backup server does not answer" in str(failed.problem)
    store.harness.succeeded(store.harness.retry(failed))


def test_stolen_access_removes_nothing_and_opens_no_other_repository(store: BackedUpStore) -> None:
    other = BackedUpStore(store.harness, store.type)
    for one in (store, other):
        store.harness.succeeded(store.harness.backup(one.made))
    tried = access_stolen(store, other.made.store_id)
    assert "own backups are all there" in tried
    assert "other backups read" not in tried
    assert "other repository changed" not in tried
