"""Visits of sleeping stores: the first one orders a wake."""

from __future__ import annotations

from contextlib import suppress

from provisioner.domain.errors import Refused
from provisioner.domain.policy import VISITOR, Actor
from provisioner.domain.store import Store, StoreStatus
from provisioner.operations.wake import WAKE
from provisioner.orders import OrderContext, Orders

PAUSE_SECONDS = 600.0  # after a wake that failed, before a visit orders another


def wake_for_visitor(orders: Orders, store: Store) -> bool:
    """Order a quiet wake of the store if it is asleep and no job is at work on it; whether it opens soon.

    One whose time is over stays asleep: its owner decides.

    If it fails, its owner gets a message, as the failure channel does."""
    ledger = orders.ledger
    last = ledger.jobs.last(store.id)
    if store.status != StoreStatus.ASLEEP or (last and last.live):
        return True
    if store.expiry and store.expiry.is_over(ledger.clock()):
        return False
    if last and last.failed_since(WAKE.kind, ledger.clock() - PAUSE_SECONDS):
        return False
    key = f"visit {store.id} {last.id if last else ''}"  # two visitors at the same moment order one wake
    context = OrderContext(Actor(VISITOR, is_admin=True), store.reader, key, quiet=True)
    with suppress(Refused):  # another order was faster
        orders.place(context, WAKE, store.id)
    return True
