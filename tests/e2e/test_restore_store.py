"""A store is restored from a real backup; a restore that fails leaves it as it was, or says that it is closed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.cluster import Cluster as DevCluster
from provisioner.domain.backup import Backup
from provisioner.domain.errors import Refused
from provisioner.domain.job import EventKind, JobStatus
from provisioner.domain.store import StoreStatus
from tests.e2e.backed_up_store import BackedUpStore, backed_up_store
from tests.e2e.backup_server import BackupServer
from tests.waiting import until


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "restored")


@pytest.fixture(scope="module")
def store(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    with backed_up_store(server, tmp_path_factory.mktemp("restored")) as made:
        yield made


@pytest.fixture(scope="module")
def backup(store: BackedUpStore) -> Backup:
    """A backup of the store with one picture."""
    store.upload()
    store.harness.succeeded(store.harness.backup(store.made))
    return store.harness.backups(store.made)[0]


def replicas(store: BackedUpStore) -> str:
    return store.kubectl("get", f"deployment/{store.name}", "-o", "jsonpath={.spec.replicas}")


def notes(store: BackedUpStore) -> str:
    """The annotations of the store's namespace and Deployment."""
    return store.kubectl("get", f"namespace/{store.namespace}", f"deployment/{store.name}", "-o", "yaml")


def test_restore_replaces_the_uploads_and_makes_a_backup_first(store: BackedUpStore, backup: Backup) -> None:
    kept = store.checksum()
    changed = store.upload(), store.upload("other")
    store.kubectl("scale", f"deployment/{store.name}", "--replicas=2")
    store.harness.succeeded(store.harness.restore(store.made, backup))
    assert (store.checksum(), store.checksum("other")) == (kept, "")
    assert replicas(store) == "2"
    assert "storewright.dev/stopped" not in notes(store)
    assert "storewright.dev/backup-before" not in notes(store)
    before = store.harness.backups(store.made)[0]
    assert before.reason == "before a restore"
    store.harness.succeeded(store.harness.restore(store.made, before))
    assert (store.checksum(), store.checksum("other")) == changed
    store.kubectl("scale", f"deployment/{store.name}", "--replicas=1")


def test_interrupted_restore_is_done_once_and_its_shop_opens_again(store: BackedUpStore, backup: Backup) -> None:
    store.upload()
    job = store.harness.restore(store.made, backup)
    for stage in ("backup", "stop", "restore", "application"):
        store.harness.wait_for_stage(job, stage)
        store.harness.reopen()
    store.harness.succeeded(job)
    store.harness.succeeded(store.harness.backup(store.made))
    jobs = store.kubectl("get", "jobs", "-l", "app.kubernetes.io/component=restore", "-o", "name").split()
    assert len([name for name in jobs if job.id in name]) == 1
    before = [found for found in store.harness.backups(store.made) if found.job_id == job.id]
    assert len(before) == 1
    until("the shop is back", store.intact)


def test_failed_restore_leaves_the_store_as_it_was_and_its_retry_succeeds(store: BackedUpStore, backup: Backup) -> None:
    newer = store.upload()
    for cron_job in ("backup", "restore"):  # from now on its database has another format
        store.kubectl("set", "env", f"cronjob/{store.name}-{cron_job}", "PAGES=17")
    failed = store.harness.ended(store.harness.restore(store.made, backup))
    assert failed.status == JobStatus.FAILED
    assert "error: not 17 pages" in str(failed.problem)
    events = store.harness.ledger.jobs.events(failed.id)
    assert ("rollback", EventKind.DONE) in [(event.stage, event.kind) for event in events]
    assert store.checksum() == newer
    until("the shop is back", store.intact)
    store.kubectl("set", "env", f"cronjob/{store.name}-restore", "PAGES=16")
    store.harness.succeeded(store.harness.retry(failed))
    assert store.checksum() != newer
    store.kubectl("set", "env", f"cronjob/{store.name}-backup", "PAGES=16")


def test_restore_that_cannot_be_undone_says_that_the_shop_is_closed_and_its_retry_succeeds(
    store: BackedUpStore, backup: Backup
) -> None:
    store.kubectl("set", "env", f"cronjob/{store.name}-restore", "PAGES=17")
    failed = store.harness.ended(store.harness.restore(store.made, backup, back_up_first=False))
    assert failed.status == JobStatus.FAILED
    assert "could not be brought back as it was: " in str(failed.problem)
    assert store.harness.store(store.name).status == StoreStatus.FAILED
    assert replicas(store) == "0"
    store.kubectl("set", "env", f"cronjob/{store.name}-restore", "PAGES=16")
    store.harness.succeeded(store.harness.retry(failed))
    until("the shop is back", store.intact)
    assert [found for found in store.harness.backups(store.made) if found.job_id == failed.id] == []


def test_restore_while_the_server_is_away_changes_nothing(
    store: BackedUpStore, backup: Backup, server: BackupServer
) -> None:
    newer = store.upload()
    with server.away():
        failed = store.harness.ended(store.harness.restore(store.made, backup))
    assert "the backup server does not answer" in str(failed.problem)
    assert store.checksum() == newer
    until("the shop is back", store.intact)


def test_backup_that_the_server_lost_fails_the_restore_and_the_store_stays_as_it_was(
    store: BackedUpStore, backup: Backup, server: BackupServer
) -> None:
    newer = store.upload()
    store.harness.succeeded(store.harness.backup(store.made))
    lost = store.harness.backups(store.made)[0]
    server.shell(store.made.store_id, f"restic --no-cache forget {lost.id}")
    failed = store.harness.ended(store.harness.restore(store.made, lost))
    assert "does not exist" in str(failed.problem)
    until("the shop is back", store.intact)
    assert store.checksum() == newer


def test_restore_of_a_backup_of_another_store_is_refused(store: BackedUpStore, backup: Backup) -> None:
    other = BackedUpStore(store.harness, store.type)
    with pytest.raises(Refused, match="has no backups yet"):
        store.harness.restore(other.made, backup)
