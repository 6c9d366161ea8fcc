"""Idle times: after how long without a shopper a store goes to sleep."""

from __future__ import annotations

from provisioner.domain.errors import Refused
from provisioner.domain.idleness import Idleness, read_idle_time
from provisioner.domain.policy import Actor
from provisioner.domain.store import Store
from provisioner.orders import Orders


def set_idle_time(orders: Orders, actor: Actor, store_id: str, text: str) -> Store:
    """Give the store another idle time; returns it with that. `text` is as in `read_idle_time`.

    Raises StoreNotFound, NotAllowed, Refused and BadIdleTime."""
    with orders.ledger.transaction():
        store = orders.lookup.managed_by_id(actor, store_id)
        seconds = read_idle_time(text)
        if seconds and not idleness_of(orders, store).counts:
            label = orders.catalog.types[store.type].label if store.type in orders.catalog.types else store.type
            what = f"{store.name} can't go to sleep by itself."
            next_step = f"Put it to sleep yourself: /store pause {store.name}"
            raise Refused(what, f"{label} stores do not count their visits.", next_step)
        orders.ledger.stores.set_idle_after(store.id, seconds)
        return orders.lookup.existing(store_id)


def idleness_of(orders: Orders, store: Store) -> Idleness:
    """After how long without a shopper the store goes to sleep, and whether its type counts its visits."""
    store_type = orders.catalog.types.get(store.type)
    return Idleness(orders.idle.of(store), counts=bool(store_type and store_type.counts_visits))
