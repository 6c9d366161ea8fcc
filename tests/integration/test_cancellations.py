"""A cancelled job takes back what it did, whatever else comes at the same moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.cancellations import cancel
from provisioner.domain.errors import JobFailed, NotAllowed, Problem, Refused, StoreDeleted, Superseded, Transient
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.domain.policy import SCHEDULE, Actor
from provisioner.domain.store import StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxKind
from provisioner.log_context import new_id
from provisioner.operations.backup import BACKUP
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.spec import Operation
from provisioner.operations.steps.rollback import ROLLBACK
from provisioner.operations.toolbox import Toolbox
from provisioner.operations.undelete import UNDELETE
from provisioner.orders import OrderContext
from tests.ledgers import SampleOrders
from tests.operations import DUST, registered, take_back
from tests.schedulers import SampleScheduler, toolbox
from tests.unit.sample_stores import BACKUPS
from tests.waiting import until, until_job

PROBLEM = Problem("The shelves broke.")
Register = Callable[..., Operation]


@pytest.fixture
def ready(orders: SampleOrders) -> Job:
    """The create job of a Ready store of version 0.1.0."""
    return orders.finished(orders.create(), "0.1.0")


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Registers DUST with some fields changed."""
    return lambda **changes: registered(monkeypatch, replace(DUST, **changes))


def cancelled(orders: SampleOrders, job: Job, *, only: str = "", key: str = "", person: str = "U1") -> Job:
    """The job of the store of `job`, once the person has cancelled it."""
    context = OrderContext(orders.orders.actor(person), "C1", key or new_id())
    return cancel(orders.orders, context, job.store_id, only)


def kinds(orders: SampleOrders, job: Job) -> list[EventKind]:
    return [event.kind for event in orders.ledger.jobs.events(job.id)]


def posted(orders: SampleOrders, job: Job) -> set[OutboxKind]:
    """The kinds of messages about the job."""
    return {kind for kind in OutboxKind if orders.ledger.outbox.get(kind, job.id)}


def refused(orders: SampleOrders, job: Job, **more: str) -> str:
    """Why the job of the store of `job` can't be cancelled."""
    with pytest.raises(Refused) as refusal:
        cancelled(orders, job, **more)
    return str(refusal.value)


# --- jobs that have not started ----------------------------------------------------------------------------------


def test_job_that_has_not_started_ends_at_once(orders: SampleOrders, ready: Job) -> None:
    job = cancelled(orders, orders.upgrade(ready))
    assert (job.status, job.cancelled_by) == (JobStatus.CANCELLED, "U1")
    assert orders.ledger.jobs.claim() is None
    assert (orders.store().status, orders.store().version) == (StoreStatus.READY, "0.1.0")
    assert kinds(orders, job) == [EventKind.QUEUED, EventKind.CANCELLING, EventKind.CANCELLED]
    assert posted(orders, job) == {OutboxKind.SUMMARY, OutboxKind.STAGES}, "it is no failure"


def test_creation_that_has_not_started_frees_the_name_at_once(orders: SampleOrders) -> None:
    job = orders.create()
    cancelled(orders, job)
    assert orders.ledger.stores.kept("my-shop") is None
    assert orders.create("my-shop").store_id != job.store_id


def test_undelete_that_has_not_started_leaves_the_store_deleted_and_kept(orders: SampleOrders, ready: Job) -> None:
    orders.finished(orders.delete(ready))
    kept_until = orders.ledger.clock() + 1000
    orders.ledger.stores.keep_until(ready.store_id, kept_until)
    backup = replace(BACKUPS[0], store_id=ready.store_id)
    orders.ledger.store_backups.add(backup)
    order = {"backup": backup.id, "served": "True"}
    cancelled(orders, orders.place(UNDELETE, ready, arguments=order))
    kept = orders.ledger.stores.kept("my-shop")
    assert kept is not None
    assert kept.kept_until == kept_until
    assert orders.place(UNDELETE, ready, arguments=order).live, "it can be undeleted later"


# --- refusals ----------------------------------------------------------------------------------------------------


def test_only_owner_and_admins_cancel(orders: SampleOrders, ready: Job) -> None:
    job = orders.upgrade(ready)
    with pytest.raises(NotAllowed):
        cancelled(orders, ready, person="U2")
    assert orders.job(job).cancelled_by == ""


def test_idle_store_has_nothing_to_cancel(orders: SampleOrders, ready: Job) -> None:
    assert refused(orders, ready) == "my-shop: nothing to cancel. The store is ready."


def test_deleted_store_has_nothing_to_cancel(orders: SampleOrders, ready: Job) -> None:
    orders.finished(orders.delete(ready))
    with pytest.raises(StoreDeleted):
        cancelled(orders, ready)


def test_button_of_an_earlier_job_cancels_no_later_one(orders: SampleOrders, ready: Job) -> None:
    job = orders.upgrade(ready)
    assert "nothing to cancel" in refused(orders, ready, only=ready.id)
    assert not orders.job(job).cancelled_by
    assert cancelled(orders, ready, only=job.id).cancelled_by == "U1"


def test_deletion_is_not_cancelled(orders: SampleOrders, ready: Job) -> None:
    job = orders.delete(ready)
    assert refused(orders, ready) == (
        "my-shop is being deleted. That can't be cancelled."
        " Wait until it is deleted. /store status my-shop says then whether it can be undeleted."
    )
    assert orders.job(job).live


def test_job_that_is_almost_done_is_not_cancelled(orders: SampleOrders, ready: Job, register: Register) -> None:
    operation = register(last_stage="wipe", instead_of_cancel="Dust {name} again.")
    job = orders.claimed(orders.place(operation, ready))
    orders.ledger.jobs.record(job, EventKind.STARTED, "wipe")
    assert refused(orders, ready) == (
        "my-shop is being dusted. It is too late to cancel that. It is almost done. Dust my-shop again."
    )


def test_job_that_failed_and_rolls_back_is_not_cancelled(orders: SampleOrders, ready: Job) -> None:
    job = orders.claimed(orders.upgrade(ready))
    orders.journal.start_rollback(job, PROBLEM)
    assert refused(orders, ready) == (
        "my-shop could not be upgraded, and is brought back as it was. That can't be cancelled. Wait until it is done."
    )


def test_every_operation_but_delete_can_be_cancelled() -> None:
    assert [kind for kind, operation in OPERATIONS.items() if not operation.undo] == ["delete"]


# --- repeats and races -------------------------------------------------------------------------------------------


def test_second_cancellation_is_refused(orders: SampleOrders, ready: Job) -> None:
    orders.claimed(orders.upgrade(ready))
    cancelled(orders, ready)
    assert refused(orders, ready) == (
        "my-shop is being upgraded. That is cancelled already. Wait until it is taken back."
    )


def test_replay_cancels_nothing_more(orders: SampleOrders, ready: Job) -> None:
    first = cancelled(orders, orders.upgrade(ready), key="k")
    later = orders.upgrade(ready)
    assert cancelled(orders, ready, key="k").id == first.id
    assert not orders.job(later).cancelled_by


def test_success_that_comes_first_has_nothing_to_cancel(orders: SampleOrders, ready: Job) -> None:
    job = orders.upgrade(ready)
    orders.finished(job, "0.2.0")
    assert "nothing to cancel" in refused(orders, ready, only=job.id)


def test_success_that_comes_last_counts(orders: SampleOrders, ready: Job) -> None:
    """All is done by then, and the notes for the way back may be gone."""
    job = orders.claimed(orders.upgrade(ready))
    cancelled(orders, ready)
    orders.journal.succeed(job, "0.2.0")
    assert (orders.job(job).status, orders.store().version) == (JobStatus.SUCCEEDED, "0.2.0")


def test_failure_that_comes_last_does_not_count(orders: SampleOrders, ready: Job) -> None:
    job = orders.claimed(orders.upgrade(ready))
    cancelled(orders, ready)
    with pytest.raises(Superseded):
        orders.journal.fail(job, PROBLEM)
    with pytest.raises(Superseded):
        orders.journal.start_rollback(job, PROBLEM)
    assert orders.claimed(job).cancelled_by == "U1", "its next attempt takes it back"


def test_deletion_replaces_a_cancelled_job(orders: SampleOrders, ready: Job) -> None:
    job = orders.claimed(orders.upgrade(ready))
    undo = cancelled(orders, ready)
    orders.delete(ready)
    with pytest.raises(Superseded):
        orders.journal.end_cancelled(undo)
    assert (orders.job(job).status, orders.store().status) == (JobStatus.SUPERSEDED, StoreStatus.DELETING)


def test_running_creation_is_deleting_until_nothing_is_left(orders: SampleOrders) -> None:
    job = orders.claimed(orders.create())
    cancelled(orders, job)
    assert orders.store().status == StoreStatus.DELETING
    orders.journal.end_cancelled(orders.claimed(job))
    assert orders.ledger.stores.named("my-shop") is None
    gone = orders.ledger.stores.get(job.store_id)
    assert gone is not None
    assert (gone.deleted_by, gone.kept_until) == ("U1", None)


def test_cancelled_job_has_its_time_and_its_interruptions_again(ledger: Ledger, orders: SampleOrders) -> None:
    job = orders.claimed(orders.create())
    ledger.jobs.requeue_interrupted()
    undo = cancelled(orders, job)
    assert undo.interruptions == 0
    assert orders.claimed(job).deadline_at - ledger.clock() == pytest.approx(job.allowed, abs=5)


def test_cancelled_job_can_be_retried(orders: SampleOrders, ready: Job) -> None:
    job = cancelled(orders, orders.upgrade(ready))
    assert orders.retry(job).retry_of == job.id


def test_quiet_job_is_cancelled_without_a_message(orders: SampleOrders, ready: Job) -> None:
    nightly = OrderContext(Actor(SCHEDULE, is_admin=True), "", new_id(), quiet=True)
    job = orders.orders.place(nightly, BACKUP, ready.store_id)
    assert cancelled(orders, ready).id == job.id
    assert posted(orders, job) == set()


# --- run by the scheduler ----------------------------------------------------------------------------------------


@pytest.fixture
def sample(ledger: Ledger, tmp_path: Path) -> SampleScheduler:
    return SampleScheduler(ledger, toolbox(tmp_path, ledger))


def wait_at_wipe(tools: Toolbox, job: Job) -> None:
    """Changes the store and then waits for its end."""
    with tools.stage(job, "wipe"):
        while True:
            tools.check_in(job, "It was not wiped")
            time.sleep(0.01)


def until_wiping(sample: SampleScheduler, job: Job) -> None:
    until("its stage", lambda: [e for e in sample.ledger.jobs.events(job.id) if e.stage == "wipe"])


@pytest.mark.parametrize("failures", [0, 1], ids=["at once", "after a passing failure"])
def test_scheduler_takes_a_running_job_back(
    sample: SampleScheduler, ready: Job, register: Register, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    monkeypatch.setattr("provisioner.runner.scheduler.pause_seconds", lambda attempt: 0.0)
    left = [PROBLEM] * failures

    def undo(tools: Toolbox, job: Job) -> None:
        with tools.stage(job, ROLLBACK.name):
            if left:
                raise Transient.of(left.pop())
        take_back(tools, job)

    operation = register(run=wait_at_wipe, undo=undo, rolls_back=True, stages=(*DUST.stages, ROLLBACK))
    job = sample.orders.place(operation, ready)
    with sample.running():
        until_wiping(sample, job)
        cancelled(sample.orders, ready)
        ended = until_job(sample.ledger, job, lambda found: not found.live)
    assert (ended.status, ended.problem) == (JobStatus.CANCELLED, None)
    assert sample.orders.store().status == StoreStatus.READY
    assert OutboxKind.FAILURE not in posted(sample.orders, job)


def test_job_that_can_not_be_taken_back_has_failed(sample: SampleScheduler, ready: Job, register: Register) -> None:
    def undo(tools: Toolbox, job: Job) -> None:
        raise JobFailed.of(PROBLEM)

    job = sample.orders.place(register(run=wait_at_wipe, undo=undo, status_when_failed=StoreStatus.FAILED), ready)
    with sample.running():
        until_wiping(sample, job)
        cancelled(sample.orders, ready)
        ended = until_job(sample.ledger, job, lambda found: not found.live)
    assert (ended.status, ended.problem) == (JobStatus.FAILED, PROBLEM)
    assert sample.orders.store().status == StoreStatus.FAILED
    assert OutboxKind.FAILURE in posted(sample.orders, job)


def test_next_process_takes_back_what_a_killed_one_did(sample: SampleScheduler, ready: Job, register: Register) -> None:
    job = sample.orders.claimed(sample.orders.place(register(), ready))
    cancelled(sample.orders, ready)  # and nobody is left who runs it
    assert sample.ended(job).status == JobStatus.CANCELLED


def test_late_undo_may_end_with_success(sample: SampleScheduler, ready: Job, register: Register) -> None:
    job = sample.orders.claimed(sample.orders.place(register(undo=DUST.run), ready))
    cancelled(sample.orders, ready)
    assert sample.ended(job).status == JobStatus.SUCCEEDED
