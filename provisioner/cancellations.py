"""Cancellations: a store's queued or running job ends, and what it did is taken back."""

from __future__ import annotations

from provisioner.domain.errors import Refused
from provisioner.domain.job import EventKind, Job, JobEvent, JobPhase, find_event
from provisioner.domain.store import Store
from provisioner.operations.journal import JobJournal
from provisioner.operations.registry import OPERATIONS
from provisioner.orders import OrderContext, Orders


def cancel(orders: Orders, context: OrderContext, store_id: str, job_id: str = "") -> Job:
    """Cancel the store's live job, or that one only if it has the id `job_id`; returns it.

    A second request with the same delivery key cancels nothing more. Raises StoreNotFound, NotAllowed, or Refused."""
    ledger = orders.ledger
    with ledger.transaction():
        if repeated := ledger.jobs.cancelled_with(context.delivery_key):
            return repeated
        store = orders.lookup.managed_by_id(context.actor, store_id)
        live = ledger.jobs.live(store.id)
        if not live or job_id not in ("", live.id):
            raise Refused(f"{store.name}: nothing to cancel. The store {store.status.phrase}.")
        _require_cancellable(store, live, ledger.jobs.events(live.id))
        return JobJournal(ledger).cancel(live, context.actor.id, context.delivery_key)


def _require_cancellable(store: Store, job: Job, events: list[JobEvent]) -> None:
    """Raises Refused."""
    operation = OPERATIONS[job.kind]
    doing, instead = f"{store.name} is being {operation.participle}", operation.instead_of_cancel
    if job.cancelled_by:
        raise Refused(f"{doing}. That is cancelled already.", "", "Wait until it is taken back.")
    if job.phase == JobPhase.ROLLBACK:
        what = f"{store.name} could not be {operation.participle}, and is brought back as it was."
        raise Refused(what, "That can't be cancelled.", "Wait until it is done.")
    if not operation.undo:
        raise Refused(f"{doing}. That can't be cancelled.", "", instead.format(name=store.name))
    if operation.last_stage and find_event(events, EventKind.STARTED, operation.last_stage):
        raise Refused(f"{doing}. It is too late to cancel that.", "It is almost done.", instead.format(name=store.name))
