"""Extensions: a store lives longer, or for good."""

from __future__ import annotations

from datetime import tzinfo

from provisioner.domain.errors import Refused
from provisioner.domain.expiry import NEVER
from provisioner.domain.policy import Actor
from provisioner.domain.store import Store
from provisioner.orders import Orders


def extend(
    orders: Orders, actor: Actor, store_id: str, text: str, *, key: str, seen: str = "", zone: tzinfo | None = None
) -> Store:
    """Give the store another end; returns it with that. `text` is as in ExpiryPolicy.extended, or NEVER.

    A second call with the same delivery `key` changes nothing, and neither does one whose person has `seen` another
    `expires_at` than the store has now ('' if that is not known).

    Raises StoreNotFound, NotAllowed, Refused and BadExpiry."""
    ledger = orders.ledger
    with ledger.transaction():
        store = orders.lookup.managed_by_id(actor, store_id)
        if store.ending:
            raise Refused(f"{store.name} {store.status.phrase}.", "", "Wait until that is done, then undelete it.")
        if seen not in ("", str(store.expires_at)) or not ledger.deliveries.is_first(key):
            return store
        now = ledger.clock()
        ledger.set_expiry(store, orders.expiry.extended(store.expiry, text, now, is_admin=actor.is_admin, zone=zone))
        return orders.lookup.existing(store_id)


def keep(orders: Orders, actor: Actor, store_id: str, *, key: str, seen: str = "") -> Store:
    """Let the store never expire; returns it. Raises what `extend` raises."""
    return extend(orders, actor, store_id, NEVER, key=key, seen=seen)
