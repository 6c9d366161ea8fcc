"""A new operation behaves as its spec says, in orders, jobs and retries; it needs no other code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.domain.errors import JobFailed, NotAllowed, Problem, Refused, StoreBusy, Superseded, Transient
from provisioner.domain.job import EventKind, Job, JobKind, JobPhase, JobStatus
from provisioner.domain.policy import Right
from provisioner.domain.store import StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.rollback import ROLLBACK
from provisioner.operations.toolbox import Toolbox
from tests.ledgers import SampleOrders
from tests.operations import DUST, registered
from tests.schedulers import SampleScheduler, toolbox

PROBLEM = Problem("The shelves broke.")
Register = Callable[..., Operation]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Registers DUST with some fields changed."""
    return lambda **changes: registered(monkeypatch, replace(DUST, **changes))


@pytest.fixture
def ready(orders: SampleOrders) -> Job:
    """The create job of a Ready store of version 0.1.0."""
    return orders.finished(orders.create(), "0.1.0")


def status_and_version(orders: SampleOrders) -> tuple[StoreStatus, str]:
    return orders.store().status, orders.store().version


# --- order -------------------------------------------------------------------------------------------------------


def test_order_without_a_status_leaves_the_store_as_it_is(orders: SampleOrders, ready: Job, register: Register) -> None:
    job = orders.place(register(deadline_seconds=77), ready)
    assert status_and_version(orders) == (StoreStatus.READY, "0.1.0")
    assert (job.kind, job.allowed, job.status) == (DUST.kind, 77, JobStatus.QUEUED)


def test_order_sets_its_status(orders: SampleOrders, ready: Job, register: Register) -> None:
    operation = register(status_when_ordered=StoreStatus.CREATING, changes_store_at=None)
    orders.place(operation, ready)
    assert status_and_version(orders) == (StoreStatus.CREATING, "0.1.0")


def test_order_is_refused_in_a_state_that_the_spec_does_not_name(
    orders: SampleOrders, ready: Job, register: Register
) -> None:
    operation = register(orderable_when=frozenset({StoreStatus.FAILED}))
    with pytest.raises(Refused, match="my-shop is ready, so it can't be dusted now"):
        orders.place(operation, ready)
    orders.failed(orders.delete(ready), PROBLEM)
    assert orders.place(operation, ready).live


def test_order_needs_the_right_of_the_spec(orders: SampleOrders, ready: Job, register: Register) -> None:
    with pytest.raises(NotAllowed):
        orders.place(register(), ready, person="U2")
    assert orders.place(register(right=Right.ANYONE), ready, person="U2").requested_by == "U2"


# --- success -----------------------------------------------------------------------------------------------------


def test_success_without_a_status_changes_nothing(orders: SampleOrders, ready: Job, register: Register) -> None:
    ready_at = orders.store().ready_at
    job = orders.finished(orders.place(register(), ready))
    assert (*status_and_version(orders), orders.store().ready_at) == (StoreStatus.READY, "0.1.0", ready_at)
    assert orders.job(job).status == JobStatus.SUCCEEDED


def test_success_sets_its_status_and_version(orders: SampleOrders, ready: Job, register: Register) -> None:
    orders.finished(orders.place(register(status_when_succeeded=StoreStatus.DELETED), ready), "0.9.0")
    gone = orders.ledger.stores.get(ready.store_id)
    assert gone is not None
    assert (gone.status, gone.version, gone.deleted_by) == (StoreStatus.DELETED, "0.9.0", "U1")


# --- failure -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reached", "status_when_failed", "expected"),
    [
        ("look", StoreStatus.FAILED, StoreStatus.READY),
        ("wipe", StoreStatus.FAILED, StoreStatus.FAILED),
        ("wipe", None, StoreStatus.READY),
    ],
    ids=["before its first change", "after its first change", "without a status"],
)
def test_failure_sets_its_status_once_the_store_was_changed(
    orders: SampleOrders,
    ready: Job,
    register: Register,
    reached: str,
    status_when_failed: StoreStatus | None,
    expected: StoreStatus,
) -> None:
    job = orders.claimed(orders.place(register(status_when_failed=status_when_failed), ready))
    orders.ledger.jobs.record(job, EventKind.STARTED, reached)
    orders.journal.fail(job, PROBLEM)
    assert status_and_version(orders) == (expected, "0.1.0")
    assert orders.job(job).problem == PROBLEM
    assert f"failure:{job.id}" in [entry.key for entry in orders.ledger.outbox.due()]


def test_failure_of_an_operation_whose_order_changes_the_store_sets_its_status(
    orders: SampleOrders, ready: Job, register: Register
) -> None:
    operation = register(
        status_when_ordered=StoreStatus.CREATING, status_when_failed=StoreStatus.FAILED, changes_store_at=None
    )
    orders.failed(orders.place(operation, ready), PROBLEM)
    assert orders.store().status == StoreStatus.FAILED


# --- supersession ------------------------------------------------------------------------------------------------


def test_order_that_replaces_a_live_job_supersedes_it(orders: SampleOrders, ready: Job, register: Register) -> None:
    upgrade = orders.claimed(orders.upgrade(ready))
    job = orders.place(register(replaces_live_job=True), ready)
    assert orders.job(upgrade).status == JobStatus.SUPERSEDED
    with pytest.raises(Superseded):
        orders.journal.succeed(upgrade, "0.2.0")
    assert status_and_version(orders) == (StoreStatus.READY, "0.1.0")
    with pytest.raises(StoreBusy, match="my-shop is being dusted right now"):
        orders.place(register(replaces_live_job=True), ready)
    assert orders.job(job).live


def test_order_that_replaces_no_live_job_is_refused(orders: SampleOrders, ready: Job, register: Register) -> None:
    upgrade = orders.upgrade(ready)
    with pytest.raises(StoreBusy, match="my-shop is being upgraded right now"):
        orders.place(register(), ready)
    assert orders.job(upgrade).live


def test_refused_order_supersedes_nothing(orders: SampleOrders, ready: Job, register: Register) -> None:
    upgrade = orders.upgrade(ready)
    with pytest.raises(Refused, match="can't be dusted"):
        orders.place(register(replaces_live_job=True, orderable_when=frozenset({StoreStatus.FAILED})), ready)
    assert orders.job(upgrade).live


def test_delete_supersedes_the_operation(orders: SampleOrders, ready: Job, register: Register) -> None:
    job = orders.place(register(), ready)
    orders.delete(ready)
    assert orders.job(job).status == JobStatus.SUPERSEDED
    assert orders.store().status == StoreStatus.DELETING


# --- retry -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [None, StoreStatus.CREATING], ids=["without a status", "with a status"])
def test_retry_does_to_the_store_what_the_order_does(
    orders: SampleOrders, ready: Job, register: Register, status: StoreStatus | None
) -> None:
    changes = {"status_when_ordered": status, "changes_store_at": None} if status else {}
    operation = register(status_when_succeeded=StoreStatus.READY if status else None, **changes)
    job = orders.failed(orders.place(operation, ready), PROBLEM)
    again = orders.retry(job)
    assert (again.kind, again.retry_of, again.allowed) == (DUST.kind, job.id, DUST.deadline_seconds)
    assert status_and_version(orders) == (status or StoreStatus.READY, "0.1.0")
    orders.finished(again)
    assert status_and_version(orders) == (StoreStatus.READY, "0.1.0")


# --- the whole job, run by the scheduler -------------------------------------------------------------------------


@pytest.fixture
def sample(ledger: Ledger, tmp_path: Path) -> SampleScheduler:
    return SampleScheduler(ledger, toolbox(tmp_path, ledger))


def test_scheduler_runs_the_operation(sample: SampleScheduler, ready: Job, register: Register) -> None:
    job = sample.ended(sample.orders.place(register(), ready))
    assert (job.status, status_and_version(sample.orders)) == (JobStatus.SUCCEEDED, (StoreStatus.READY, "0.1.0"))
    stages = [(event.kind, event.stage) for event in sample.ledger.jobs.events(job.id) if event.stage]
    assert stages == [(kind, stage) for stage in DUST.stage_names for kind in (EventKind.STARTED, EventKind.DONE)]


def failing_at_wipe(tools: Toolbox, job: Job) -> None:
    """Fails after its first change, unless the job rolls back."""
    if job.phase == JobPhase.ROLLBACK:
        with tools.stage(job, ROLLBACK.name):
            pass
        assert job.problem == PROBLEM
        raise JobFailed.of(PROBLEM)
    with tools.stage(job, "wipe"):
        raise JobFailed.of(PROBLEM)


def test_scheduler_fails_an_operation_without_rollback_at_once(
    sample: SampleScheduler, ready: Job, register: Register
) -> None:
    operation = register(run=failing_at_wipe, status_when_failed=StoreStatus.FAILED)
    job = sample.ended(sample.orders.place(operation, ready))
    assert (job.status, job.phase, job.attempts) == (JobStatus.FAILED, JobPhase.FORWARD, 1)
    assert sample.orders.store().status == StoreStatus.FAILED


def test_scheduler_rolls_an_operation_back_that_its_spec_rolls_back(
    sample: SampleScheduler, ready: Job, register: Register
) -> None:
    operation = register(run=failing_at_wipe, rolls_back=True, stages=(*DUST.stages, ROLLBACK))
    job = sample.ended(sample.orders.place(operation, ready))
    assert (job.status, job.phase, job.attempts) == (JobStatus.FAILED, JobPhase.ROLLBACK, 2)
    assert job.problem == PROBLEM


def test_scheduler_tries_an_operation_again_after_a_passing_failure(
    sample: SampleScheduler, ready: Job, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []

    def flaky(tools: Toolbox, job: Job) -> None:
        attempts.append(job.attempts)
        if job.attempts == 1:
            raise Transient("The API is away.")
        tools.ledger.succeed(job)

    monkeypatch.setattr("provisioner.runner.scheduler.pause_seconds", lambda attempt: 0.0)
    job = sample.ended(sample.orders.place(register(run=flaky), ready))
    assert (job.status, attempts) == (JobStatus.SUCCEEDED, [1, 2])
    assert status_and_version(sample.orders) == (StoreStatus.READY, "0.1.0")


def test_stage_of_a_former_version_is_called_by_its_name() -> None:
    assert DUST.stage("look") == Stage("look", "Look at the shelves", "Shelves seen")
    assert DUST.stage("polish") == Stage("polish", "polish", "polish")
    assert JobKind("dust") == DUST.kind
