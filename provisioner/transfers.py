"""Transfers: a store gets another owner."""

from __future__ import annotations

from provisioner.domain.errors import LimitReached, Refused
from provisioner.domain.policy import Actor
from provisioner.domain.store import Store
from provisioner.ledger.outbox import OutboxKind, transfer_subject
from provisioner.orders import Orders


def transfer(orders: Orders, actor: Actor, store_id: str, owner: str) -> Store:
    """Make the person with the id `owner` the store's owner; returns it with that.

    Links that were made for the former owner stop working. Both owners get a message, unless they did it themselves.

    Raises StoreNotFound, NotAllowed, LimitReached and Refused."""
    ledger = orders.ledger
    with ledger.transaction():
        store = orders.lookup.managed_by_id(actor, store_id)
        if store.ending:
            raise Refused(f"{store.name} {store.status.phrase}.")
        if store.owner == owner:
            raise Refused(f"{store.name} is theirs already.")
        if ledger.stores.owned(owner) >= orders.limits.stores_per_person:
            most = orders.limits.stores_per_person
            raise LimitReached(f"They have as many stores as one person may have: {most}.")
        ledger.set_owner(store, owner)
        for reader in {owner, store.owner} - {actor.id}:
            ledger.outbox.put(OutboxKind.TRANSFER, transfer_subject(store, reader, actor.id, ledger.clock()))
        return orders.lookup.existing(store_id)
