"""Disowned links: a store's owner does not know who opened one, so the admin gets a new password."""

from __future__ import annotations

from provisioner.domain.errors import StoreBusy
from provisioner.domain.job import Job
from provisioner.domain.policy import Actor
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxKind
from provisioner.operations.reset import RESET
from provisioner.orders import OrderContext, Orders


def disown(orders: Orders, actor: Actor, store_id: str, link_id: str, *, origin: str) -> Job:
    """Order a reset of the store's password because of this link; a second call returns the first one's job.

    The store's open links end even if the reset is refused. The job's messages go to `origin`.

    Raises StoreNotFound, NotAllowed, StoreBusy, or Refused."""
    ledger, store = orders.ledger, orders.lookup.managed_by_id(actor, store_id)
    ledger.links.revoke_all(store.id)
    try:
        with ledger.transaction():
            job = orders.place(OrderContext(actor, origin, _key(link_id)), RESET, store.id)
            ledger.outbox.refresh(OutboxKind.RECEIPT, link_id)
            return job
    except StoreBusy as busy:
        next_step = "Press the button again when that is done."
        raise StoreBusy(busy.problem.what, "All links that were open have ended already.", next_step) from busy


def reset_after(ledger: Ledger, link_id: str) -> Job | None:
    """The job that was ordered because of this link."""
    return ledger.jobs.delivered(_key(link_id))


def _key(link_id: str) -> str:
    return f"not me {link_id}"
