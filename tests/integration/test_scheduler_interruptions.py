"""A scheduler whose process is killed or stops gracefully, and one that has no lease."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import HandedOver, StoreUnchanged
from provisioner.domain.job import EventKind, Job, JobPhase, JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.operations.journal import JobJournal
from provisioner.operations.steps.release import RELEASE
from provisioner.operations.toolbox import Toolbox
from provisioner.runner.lease import Lease
from provisioner.runner.retry import MAX_INTERRUPTIONS
from tests.conftest import write_kubeconfig
from tests.ledgers import SampleOrders, exclusive_ledger
from tests.schedulers import UNREACHABLE, SampleScheduler, ScriptedExecutor, sample_scheduler, toolbox
from tests.waiting import until, until_job

# --- killed processes -------------------------------------------------------------------------------------------


def interrupt(path: Path, times: int, act: Callable[[Ledger, Job], None] = lambda ledger, job: None) -> None:
    """Claim the job in `times` processes that are killed after their work, `act`."""
    for _ in range(times):
        with exclusive_ledger(path) as ledger:
            ledger.jobs.requeue_interrupted()
            job = ledger.jobs.claim()
            assert job is not None
            act(ledger, job)


def reach_release(ledger: Ledger, job: Job) -> None:
    ledger.jobs.record(job, EventKind.STARTED, RELEASE)


def order(path: Path, *, upgrade: bool = False) -> Job:
    with exclusive_ledger(path) as ledger:
        orders = SampleOrders(ledger)
        job = orders.create()
        return orders.upgrade(orders.finished(job, "0.1.0")) if upgrade else job


def next_process(folder: Path, job: Job, act: Callable[[Toolbox, Job], None]) -> tuple[Job, list[Job], StoreStatus]:
    """The job's end, the jobs that the executor got, and the store's status."""
    with sample_scheduler(folder, lambda tools: ScriptedExecutor(lambda got: act(tools, got))) as sample:
        ended = sample.ended(job)
        assert isinstance(sample.executor, ScriptedExecutor)
        return ended, sample.executor.jobs, sample.orders.store().status


def succeed(tools: Toolbox, job: Job) -> None:
    tools.ledger.succeed(job, "0.2.0")


def end_rollback(tools: Toolbox, job: Job) -> None:
    assert job.problem is not None
    raise StoreUnchanged.of(job.problem)


def test_job_succeeds_after_the_allowed_number_of_interruptions(tmp_path: Path) -> None:
    job = order(tmp_path / "ledger.db")
    interrupt(tmp_path / "ledger.db", MAX_INTERRUPTIONS)
    ended, ran, status = next_process(tmp_path, job, succeed)
    assert (ended.status, status) == (JobStatus.SUCCEEDED, StoreStatus.READY)
    assert (ended.interruptions, ended.attempts, len(ran)) == (MAX_INTERRUPTIONS, MAX_INTERRUPTIONS + 1, 1)


def test_job_fails_after_too_many_interruptions(tmp_path: Path) -> None:
    job = order(tmp_path / "ledger.db")
    interrupt(tmp_path / "ledger.db", MAX_INTERRUPTIONS + 1)
    ended, ran, status = next_process(tmp_path, job, succeed)
    assert (ended.status, status, ran) == (JobStatus.FAILED, StoreStatus.FAILED, [])
    assert ended.problem is not None
    assert ended.problem.what == f"The bot ended {MAX_INTERRUPTIONS + 1} times while it worked on my-shop."
    assert job.id in ended.problem.next_step


def test_retry_of_an_often_interrupted_job_starts_anew(tmp_path: Path) -> None:
    job = order(tmp_path / "ledger.db")
    interrupt(tmp_path / "ledger.db", MAX_INTERRUPTIONS + 1)
    next_process(tmp_path, job, succeed)
    with exclusive_ledger(tmp_path / "ledger.db") as ledger:
        retry = SampleOrders(ledger).retry(job)
    ended, _, status = next_process(tmp_path, retry, succeed)
    assert (ended.status, ended.interruptions, status) == (JobStatus.SUCCEEDED, 0, StoreStatus.READY)


def test_upgrade_is_rolled_back_after_too_many_interruptions(tmp_path: Path) -> None:
    job = order(tmp_path / "ledger.db", upgrade=True)
    interrupt(tmp_path / "ledger.db", MAX_INTERRUPTIONS + 1, reach_release)
    ended, ran, status = next_process(tmp_path, job, end_rollback)
    assert [run.phase for run in ran] == [JobPhase.ROLLBACK]
    assert (ended.status, status) == (JobStatus.FAILED, StoreStatus.READY)
    assert f"The bot ended {MAX_INTERRUPTIONS + 1} times" in str(ended.problem)


def test_interrupted_upgrade_that_changed_nothing_fails_without_a_rollback(tmp_path: Path) -> None:
    job = order(tmp_path / "ledger.db", upgrade=True)
    interrupt(tmp_path / "ledger.db", MAX_INTERRUPTIONS + 1)
    ended, ran, status = next_process(tmp_path, job, end_rollback)
    assert (ended.status, ended.phase, status, ran) == (JobStatus.FAILED, JobPhase.FORWARD, StoreStatus.READY, [])


def test_rollback_with_too_many_interruptions_leaves_a_failed_store(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    job = order(path, upgrade=True)
    interrupt(path, MAX_INTERRUPTIONS + 1, reach_release)

    with exclusive_ledger(path) as ledger:  # the process that starts the rollback
        sample = SampleScheduler(ledger, toolbox(tmp_path, ledger), lambda _: ScriptedExecutor(_hand_over))
        with sample.running():
            until_job(ledger, job, lambda found: found.phase == JobPhase.ROLLBACK)
    interrupt(path, MAX_INTERRUPTIONS)
    ended, ran, status = next_process(tmp_path, job, end_rollback)
    assert (ended.status, status) == (JobStatus.FAILED, StoreStatus.FAILED)
    assert ran == []


def _hand_over(job: Job) -> None:
    raise HandedOver(job.id)


# --- graceful stops ---------------------------------------------------------------------------------------------


def test_graceful_stop_counts_no_interruption(tmp_path: Path) -> None:
    path, times = tmp_path / "ledger.db", 3
    job = order(path)

    for _ in range(times):
        with sample_scheduler(
            tmp_path, lambda tools: ScriptedExecutor(lambda job: _work_until_stop(tools, job))
        ) as one:
            with one.running():
                until_job(one.ledger, job, lambda found: found.status == JobStatus.RUNNING)
            assert one.orders.job(job).status == JobStatus.QUEUED
    ended, _, status = next_process(tmp_path, job, succeed)
    assert (ended.interruptions, ended.attempts) == (0, times + 1)
    assert (ended.status, status) == (JobStatus.SUCCEEDED, StoreStatus.READY)


def _work_until_stop(tools: Toolbox, job: Job) -> None:
    while True:
        tools.require_wanted(job)
        time.sleep(0.01)


@pytest.mark.parametrize("pool_closed", [False, True], ids=["before the pool closes", "after the pool closed"])
def test_job_claimed_while_the_scheduler_stops_is_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pool_closed: bool
) -> None:
    with sample_scheduler(tmp_path, lambda _: ScriptedExecutor(lambda job: pytest.fail("it ran"))) as sample:
        claim, scheduler = sample.ledger.jobs.claim, sample.scheduler

        def claim_then_stop(busy_stores: Sequence[str] = ()) -> Job | None:
            claimed = claim(busy_stores)
            if claimed:
                scheduler.request_stop()
                if pool_closed:
                    scheduler._pool.shutdown(wait=False)
            return claimed

        monkeypatch.setattr(sample.ledger.jobs, "claim", claim_then_stop)
        job = sample.orders.create()
        scheduler.start()
        until("the claim", lambda: sample.orders.job(job).attempts)
        assert scheduler.stop() == 0
        ended = sample.orders.job(job)
        assert (ended.status, ended.interruptions, scheduler.workers()) == (JobStatus.QUEUED, 0, (0, 0))


@pytest.mark.parametrize("end", [succeed, lambda tools, job: _hand_over(job)], ids=["success", "hand-over"])
def test_outcome_that_can_not_be_written_is_reached_again_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, end: Callable[..., None]
) -> None:
    disk_is_full = threading.Event()

    def fill_the_disk_and_end(tools: Toolbox, job: Job) -> None:
        if job.attempts == 1:
            disk_is_full.set()
            end(tools, job)
        succeed(tools, job)

    with sample_scheduler(
        tmp_path, lambda tools: ScriptedExecutor(lambda job: fill_the_disk_and_end(tools, job))
    ) as sample:
        transaction = sample.ledger.connection.transaction

        def fail_while_full() -> AbstractContextManager[object]:
            if disk_is_full.is_set():
                raise sqlite3.OperationalError("database or disk is full")
            return transaction()

        monkeypatch.setattr(sample.ledger.connection, "transaction", fail_while_full)
        job = sample.orders.create()
        with sample.running() as scheduler:
            until("the error in the log", lambda: "disk is full" in caplog.text)
            until("the worker to be free", lambda: scheduler.workers() == (0, 0))
            disk_is_full.clear()
            ended = until_job(sample.ledger, job, lambda found: not found.live)
    assert (ended.status, ended.attempts, ended.interruptions) == (JobStatus.SUCCEEDED, 2, 1)


# --- without the lease -------------------------------------------------------------------------------------------


class WithoutLease:
    """A scheduler whose bot has not acquired its lease, and two orders."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.ledger = ledger
        cluster = Cluster(write_kubeconfig(folder / "kubeconfig", UNREACHABLE))
        self.lease = Lease(cluster, "home", "storewright", "me")
        tools = toolbox(folder, ledger)
        journal = JobJournal(ledger)
        self.sample = SampleScheduler(
            ledger, tools, lambda _: ScriptedExecutor(lambda job: journal.succeed(job)), lease=self.lease
        )
        self.jobs = [self.sample.orders.create(name) for name in ("shop-a", "shop-b")]

    def waiting(self) -> list[list[str]]:
        """By job, the details of its WAITING events."""
        events = [self.ledger.jobs.events(job.id) for job in self.jobs]
        return [[event.detail for event in of_job if event.kind == EventKind.WAITING] for of_job in events]


@pytest.fixture
def without_lease(tmp_path: Path, ledger: Ledger) -> WithoutLease:
    return WithoutLease(tmp_path, ledger)


def test_without_the_lease_jobs_wait_and_record_it_once(without_lease: WithoutLease) -> None:
    scheduler, ledger = without_lease.sample.scheduler, without_lease.ledger
    scheduler._tick()
    [first], [second] = without_lease.waiting()
    assert first == second
    assert "the lease storewright" in first
    before = ledger.connection.db.conn.total_changes
    for _ in range(20):
        scheduler._tick()
    assert ledger.connection.db.conn.total_changes == before, "ticks write nothing"
    assert [len(details) for details in without_lease.waiting()] == [1, 1]
    jobs = [without_lease.sample.orders.job(job) for job in without_lease.jobs]
    assert [(job.status, job.attempts, job.started_at) for job in jobs] == [(JobStatus.QUEUED, 0, None)] * 2
    assert scheduler.workers() == (0, 0)


def test_without_the_lease_a_running_scheduler_commits_nothing(without_lease: WithoutLease) -> None:
    with closing(sqlite3.connect(without_lease.ledger.path)) as observer, without_lease.sample.running():
        until("both jobs to wait", lambda: all(without_lease.waiting()))
        version = "PRAGMA data_version"  # changes with each commit of another connection
        before = observer.execute(version).fetchone()
        time.sleep(1.6)
        assert observer.execute(version).fetchone() == before
    assert [len(details) for details in without_lease.waiting()] == [1, 1]


def test_jobs_start_with_the_lease_and_have_their_whole_time(
    without_lease: WithoutLease, monkeypatch: pytest.MonkeyPatch
) -> None:
    with without_lease.sample.running():
        until("both jobs to wait", lambda: all(without_lease.waiting()))
        for name in ("check", "require"):
            monkeypatch.setattr(without_lease.lease, name, lambda: None)
        ended = [until_job(without_lease.ledger, job, lambda found: not found.live) for job in without_lease.jobs]
    assert [(job.status, job.attempts) for job in ended] == [(JobStatus.SUCCEEDED, 1)] * 2
    for job in ended:
        assert job.started_at is not None
        assert job.deadline_at == job.started_at + job.allowed


def test_waiting_is_recorded_again_after_the_lease_was_lost_again(without_lease: WithoutLease) -> None:
    scheduler, orders = without_lease.sample.scheduler, without_lease.sample.orders
    scheduler._tick()
    job = orders.claimed()
    without_lease.ledger.jobs.record(job, EventKind.STARTED, "namespace")
    without_lease.ledger.jobs.hand_over(job)
    for _ in range(3):
        scheduler._tick()
    assert [len(details) for details in without_lease.waiting()] == [2, 1]
