"""Old backups are removed every day, the others are checked, and the ledger knows what is left."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dev.cluster import Cluster as DevCluster
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.runner.kept_backups import KeptBackups, read_room
from tests.e2e.backed_up_store import BackedUpStore, backed_up_store
from tests.e2e.backup_server import BackupServer

# Days ago, and the reason of the backup.
HISTORY = """
while read -r day reason; do
  echo "$reason $day" | restic --quiet --no-cache backup --stdin --host test --tag "reason=$reason" \
    --time "$(date -u -d "$day days ago" '+%Y-%m-%d %H:%M:%S')"
done <<END
$(for day in 60 46 39 32 25 18 11 8 7 6 5 4 3 2 1; do echo "$day daily"; done)
$(for day in 40 32 29 20 1; do echo "$day ordered"; done)
END
"""


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "retention")


@pytest.fixture(scope="module")
def store(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    with backed_up_store(server, tmp_path_factory.mktemp("retention")) as made:
        yield made


def remove_old_backups(server: BackupServer, store: BackedUpStore) -> str:
    """Run the CronJob's Job now, for this store only, which saves time; returns its log."""
    return server.remove_old_backups(f"remove-{store.name}", f"password.{store.made.store_id}")


def kept(server: BackupServer, store_id: str) -> Counter[str]:
    """The number of backups by reason, and none is older than retention allows."""
    now, found = datetime.now(UTC), server.snapshots(store_id)
    reasons = Counter[str]()
    for snapshot in found:
        [reason] = [tag.removeprefix("reason=") for tag in snapshot["tags"] if tag.startswith("reason=")]
        age = now - datetime.fromisoformat(snapshot["time"][:19] + "+00:00")
        assert age < timedelta(days=32 if reason == "ordered" else 36), snapshot
        reasons[reason] += 1
    return reasons


def test_old_backups_go_and_the_ledger_knows_what_is_left(store: BackedUpStore, server: BackupServer) -> None:
    store_id = store.made.store_id
    store.harness.succeeded(store.harness.backup(store.made))
    server.shell(store_id, HISTORY)
    [newest] = store.harness.backups(store.made)
    gone = replace(newest, id=server.snapshots(store_id)[0]["id"], made_at=newest.made_at - 9)
    store.harness.ledger.store_backups.add(gone)
    log = remove_old_backups(server, store)
    left = kept(server, store_id)
    assert 8 <= left["daily"] <= 11, "7 daily ones, and 4 weekly ones of which some are daily ones too"
    assert left["ordered"] == 4, "those of 29, 20 and 1 days ago and the store's own"
    [line] = [json.loads(line) for line in log.splitlines() if store_id in line]
    assert {backup["id"] for backup in line["backups"]} == {s["id"] for s in server.snapshots(store_id)}
    cluster = Cluster(server.cluster.kubeconfig)
    removal = KeptBackups(store.harness.ledger, cluster, server.url)
    removal.read()
    assert removal.room is not None
    assert 0 < removal.room.free_bytes < removal.room.total_bytes
    assert read_room(cluster, server.url) == removal.room
    assert store.harness.backups(store.made) == [newest]
    later = store.harness.succeeded(store.harness.backup(store.made))
    assert store.harness.backups(store.made)[0].job_id == later.id


def test_store_whose_first_backup_was_killed_can_be_backed_up_after_the_next_removal(
    store: BackedUpStore, server: BackupServer
) -> None:
    other = BackedUpStore(store.harness, store.type)
    repository = f"/data/{other.made.store_id}"
    script = f"mkdir -p {repository}/keys && touch -d '2 hours ago' {repository}/keys/{'0a' * 32}"
    server.shell(other.made.store_id, script)
    failed = store.harness.ended(store.harness.backup(other.made))
    assert "already contains keys" in str(failed.problem)
    remove_old_backups(server, other)
    store.harness.succeeded(store.harness.retry(failed))


def test_backup_of_a_store_that_sleeps_for_a_year_stays(store: BackedUpStore, server: BackupServer) -> None:
    other = BackedUpStore(store.harness, store.type)
    store_id = other.made.store_id
    other.harness.succeeded(other.harness.pause(other.made))
    [paused] = server.snapshots(store_id)
    old = "restic --quiet --no-cache backup --stdin --host test --tag 'reason=before a pause'"
    server.shell(store_id, f"echo 1 | {old} --time '2024-01-01 00:00:00'; restic --quiet forget {paused['id']}")
    remove_old_backups(server, other)
    assert [one["time"][:10] for one in server.snapshots(store_id)] == ["2024-01-01"]
