"""A store is backed up on a real cluster, and what keeps it from that is said and can be followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import ROOT
from provisioner.domain.job import Job, JobStatus
from tests.e2e.sample_type import SampleType, load_image
from tests.e2e.upgraded_store import UpgradedStore, shared_stores
from tests.waiting import until

CRON_JOB = (ROOT / "tests/chaos/charts/pamphlet/templates/backup.yaml").read_text()


def with_script(first: str) -> str:
    """CRON_JOB whose backup runs `first` before the rest."""
    return CRON_JOB.replace("$backup := `", f"$backup := `{first}; ")


@pytest.fixture(scope="module", autouse=True)
def prepared(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    load_image(cluster, tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def stores(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], UpgradedStore]]:
    folder = tmp_path_factory.mktemp("backed-up")
    with shared_stores(cluster, folder, SampleType(folder / "charts"), UpgradedStore) as take:
        yield take


@pytest.fixture
def store(stores: Callable[[], UpgradedStore]) -> UpgradedStore:
    return stores()


def release(store: UpgradedStore, cron_job: str) -> None:
    """Release a chart with this CronJob, which describes how a store is backed up."""
    store.type.release(store.next_version)
    store.type.annotate("storewright.dev/backups", "true")
    (store.type.chart / "templates/backup.yaml").write_text(cron_job)
    store.harness.reopen()


def upgrade(store: UpgradedStore, cron_job: str) -> None:
    """Upgrade the store to a chart with this CronJob."""
    release(store, cron_job)
    store.harness.succeeded(store.harness.upgrade(store.made))


def failed(store: UpgradedStore, job: Job, *words: str) -> Job:
    """The job at its end; its problem has these words."""
    ended = store.harness.ended(job)
    assert ended.status == JobStatus.FAILED
    assert [word for word in words if word not in str(ended.problem)] == []
    return ended


def jobs_with_a_backup(store: UpgradedStore) -> list[str]:
    """The ids of the jobs that made the store's backups."""
    return [backup.job_id for backup in store.harness.backups(store.made)]


def test_backup_succeeds_once_the_store_has_a_chart_that_knows_backups(store: UpgradedStore) -> None:
    release(store, CRON_JOB)
    job = failed(store, store.harness.backup(store.made), "its chart is too old", f"/store upgrade {store.name}")
    store.harness.succeeded(store.harness.upgrade(store.made))
    made = store.harness.succeeded(store.harness.backup(store.made))
    backup = store.harness.backups(store.made)[0]
    assert (backup.job_id, backup.counts, backup.bytes, backup.reason) == (made.id, {"pages": 8}, 40, "ordered")
    assert backup.version == store.type.version
    assert job.id != made.id


def test_failed_backup_quotes_its_log_and_its_retry_succeeds(store: UpgradedStore) -> None:
    upgrade(store, with_script('[ -z "$BROKEN" ] || { echo error: no dump; exit 3; }'))
    store.kubectl("set", "env", f"cronjob/{store.name}-backup", "BROKEN=yes")
    job = failed(store, store.harness.backup(store.made), "it ended with exit code 3", "error: no dump")
    assert jobs_with_a_backup(store).count(job.id) == 0
    store.kubectl("set", "env", f"cronjob/{store.name}-backup", "BROKEN-")
    retried = store.harness.succeeded(store.harness.retry(job))
    assert jobs_with_a_backup(store).count(retried.id) == 1


def test_backup_succeeds_once_there_is_a_server(store: UpgradedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade(store, CRON_JOB)
    defaults = store.harness.defaults()

    def without_server() -> dict[str, Any]:
        return {**defaults, "backup_server": None}

    with monkeypatch.context() as changed:
        changed.setattr(store.harness, "defaults", without_server)
        store.harness.reopen()
        job = failed(store, store.harness.backup(store.made), "has no backup server", "sets backups.enabled")
    store.harness.reopen()
    store.harness.succeeded(store.harness.retry(job))


def test_backup_whose_pod_somebody_deletes_fails_at_once_and_its_retry_succeeds(store: UpgradedStore) -> None:
    upgrade(store, with_script("/busybox sleep 3"))
    job = store.harness.backup(store.made)
    pods = ("pods", "-l", f"batch.kubernetes.io/job-name={store.name}-backup-{job.id}")
    until("the pod to run", lambda: "Running" in store.kubectl("get", *pods))
    store.kubectl("delete", *pods, "--force", "--grace-period=0")
    failed(store, job, "ended without a result", "Kubernetes ended its Job")
    store.harness.succeeded(store.harness.retry(job))


def test_interrupted_backup_is_made_once(store: UpgradedStore) -> None:
    upgrade(store, with_script("/busybox sleep 3"))
    job = store.harness.backup(store.made)
    store.harness.wait_for_stage(job, "backup")
    store.harness.reopen()
    store.harness.succeeded(job)
    assert jobs_with_a_backup(store).count(job.id) == 1
    jobs = store.kubectl("get", "jobs", "-l", "app.kubernetes.io/component=backup", "-o", "name").split()
    assert [name for name in jobs if name.endswith(job.id)] == [f"job.batch/{store.name}-backup-{job.id}"]
