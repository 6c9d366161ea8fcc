"""Jobs in a real ledger: claims, events, attempts, deadlines and interruptions."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.domain.errors import Problem
from provisioner.domain.job import EventKind, JobStatus
from provisioner.ledger.ledger import Ledger, LedgerInUse
from provisioner.operations.create import CREATE
from tests.conftest import Clock
from tests.ledgers import SampleOrders, exclusive_ledger


def test_claims_are_exclusive_and_skip_busy_stores(ledger: Ledger, orders: SampleOrders) -> None:
    first, second = orders.create("shop-a"), orders.create("shop-b")
    claimed = orders.claimed(first)
    assert (claimed.status, claimed.attempts) == (JobStatus.RUNNING, 1)
    assert ledger.jobs.claim(busy_stores=["shop-b"]) is None
    orders.claimed(second)
    assert ledger.jobs.claim() is None


def test_shared_ledger_claims_no_job(ledger: Ledger, orders: SampleOrders) -> None:
    job = orders.create()
    shared = Ledger.shared(ledger.path)
    with pytest.raises(LedgerInUse, match="no job is claimed here"):
        shared.jobs.claim()
    with pytest.raises(LedgerInUse, match="no job is claimed here"):
        shared.jobs.requeue_interrupted()
    shared.close()
    orders.claimed(job)


def test_stage_is_recorded_once_however_often_it_is_entered(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    job = orders.claimed(orders.create())
    for _ in range(2):
        ledger.jobs.record(job, EventKind.STARTED, "release")
        clock.now += 2.5
        ledger.jobs.record(job, EventKind.DONE, "release")
    recorded = [(event.kind, event.seconds) for event in ledger.jobs.events(job.id) if event.stage == "release"]
    assert recorded == [(EventKind.STARTED, None), (EventKind.DONE, 2.5)]


def test_job_to_retry_later_is_due_then_with_its_reason(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    job = orders.claimed(orders.create())
    ledger.jobs.retry_later(job, Problem("API away."), clock.now + 8)
    assert ledger.jobs.claim() is None
    assert ledger.jobs.events(job.id)[-1].detail == "API away. Trying again in 8 s."
    clock.now += 8
    assert orders.claimed(job).attempts == 2


def test_running_job_continues_after_a_crash(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "l.db"
    with exclusive_ledger(path, clock) as first:
        orders = SampleOrders(first)
        job = orders.claimed(orders.create())
        with pytest.raises(LedgerInUse):
            Ledger.exclusive(path, clock)
    with exclusive_ledger(path, clock) as second:
        assert second.jobs.claim() is None
        assert [found.id for found in second.jobs.requeue_interrupted()] == [job.id]
        again = SampleOrders(second).claimed(job)
        assert (again.attempts, again.interruptions) == (2, 1)
        assert second.jobs.requeue_interrupted(at_work=[job.id]) == []


def test_time_without_a_bot_does_not_count_towards_the_deadline(
    ledger: Ledger, orders: SampleOrders, clock: Clock
) -> None:
    orders.create()
    clock.now += 5_000
    assert orders.claimed().deadline_at == clock.now + CREATE.deadline_seconds
    clock.now += 5_000
    ledger.jobs.requeue_interrupted()
    again = orders.claimed()
    assert again.deadline_at == clock.now + CREATE.deadline_seconds
    ledger.jobs.retry_later(again, Problem("API away."), clock.now + 60)
    clock.now += 60
    assert orders.claimed().deadline_at == again.deadline_at, "attempts of one process share its time"


def test_handed_over_job_gets_its_whole_time_and_counts_no_interruption(
    ledger: Ledger, orders: SampleOrders, clock: Clock
) -> None:
    job = orders.claimed(orders.create())
    clock.now += 500
    ledger.jobs.hand_over(job)
    again = orders.claimed(job)
    assert again.deadline_at == clock.now + CREATE.deadline_seconds
    assert again.interruptions == 0


def test_job_that_ended_is_not_handed_over(ledger: Ledger, orders: SampleOrders) -> None:
    job = orders.finished(orders.create())
    ledger.jobs.hand_over(job)
    assert orders.job(job).status == JobStatus.SUCCEEDED
    assert ledger.jobs.claim() is None


def test_waiting_is_recorded_once_for_each_due_job(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    first = orders.create("shop-a")
    ledger.jobs.note_waiting(Problem("The lease is away."))
    second, running = orders.create("shop-b"), orders.create("shop-c")
    for _ in range(3):
        ledger.jobs.note_waiting(Problem("The lease is away."))
    for job in (first, second, running):
        [event] = [event for event in ledger.jobs.events(job.id) if event.kind == EventKind.WAITING]
        assert event.detail == "The lease is away."
    claimed = orders.claimed()
    ledger.jobs.hand_over(claimed)
    ledger.jobs.record(claimed, EventKind.STARTED, "namespace")
    ledger.jobs.note_waiting(Problem("The lease is away again."))
    assert ledger.jobs.events(claimed.id)[-1].detail == "The lease is away again."
