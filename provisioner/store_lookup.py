"""StoreLookup: which store or backup an order means, and whether the person may manage it."""

from __future__ import annotations

from provisioner.domain.backup import Backup
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import Refused, StoreDeleted, StoreNotFound
from provisioner.domain.policy import Actor, Right
from provisioner.domain.store import Store, StoreStatus, host_in
from provisioner.domain.text import nearest, shorten
from provisioner.ledger.ledger import Ledger
from provisioner.operations.delete import DAY_SECONDS


class StoreLookup:
    """Finds stores and their backups."""

    def __init__(self, ledger: Ledger, catalog: Catalog, undelete_days: float) -> None:
        """A deleted store can be undeleted for `undelete_days`."""
        self._ledger, self._catalog, self._undelete_days = ledger, catalog, undelete_days

    def named(self, name: str) -> Store:
        """The store called `name`, or at that address. Raises StoreNotFound with the nearest name, or StoreDeleted."""
        if store := self.find(name):
            return store
        if gone := self._ledger.stores.last_deleted(name):
            raise self._deleted(gone)
        near = nearest(name, self._ledger.stores.names())
        hint = f"Did you mean {near}?" if near else "/store list shows all stores."
        cause = f"“{name}” is a store type." if name in self._catalog.types else ""
        raise StoreNotFound(f"There is no store called “{shorten(name)}”.", cause, hint)

    def find(self, name: str) -> Store | None:
        """The store with this name or address (a URL or a host)."""
        if host := host_in(name):
            return next((store for store in self._ledger.stores.all() if store.host == host), None)
        return self._ledger.stores.named(name)

    def known(self, store_id: str) -> Store:
        """The store with this id, deleted or not. Raises StoreNotFound."""
        store = self._ledger.stores.get(store_id)
        if not store:
            raise StoreNotFound("That store no longer exists.")
        return store

    def existing(self, store_id: str) -> Store:
        """The store with this id. Raises StoreNotFound, or StoreDeleted."""
        store = self.known(store_id)
        if store.status == StoreStatus.DELETED:
            raise self._deleted(store)
        return store

    def kept(self, name: str) -> Store:
        """The deleted store called `name`, which can be undeleted. Raises what `named` raises, and Refused."""
        if store := self._ledger.stores.kept(name):
            return store
        store = self.named(name)
        raise Refused(f"{store.name} is not deleted: it {store.status.phrase}.")

    def keeps_until(self, store: Store) -> float | None:
        """Until when a deletion of the store that is ordered now can be undone (epoch seconds); None for not at all."""
        store_type = self._catalog.types.get(store.type)
        if not (self._undelete_days and store.ready_at and store_type and store_type.has_backups):
            return None
        return self._ledger.clock() + self._undelete_days * DAY_SECONDS

    def _deleted(self, store: Store) -> StoreDeleted:
        kept = store.kept_until if store.is_kept(self._ledger.clock()) else None
        return StoreDeleted(store.name, store.deleted_by or "", store.deleted_at or 0.0, kept)

    def managed(self, actor: Actor, name: str) -> Store:
        """The store called `name`, which `actor` may manage. Raises StoreNotFound or NotAllowed."""
        store = self.named(name)
        actor.require(Right.MANAGE, store)
        return store

    def managed_by_id(self, actor: Actor, store_id: str) -> Store:
        """The store with this id, which `actor` may manage. Raises StoreNotFound, StoreDeleted or NotAllowed."""
        store = self.existing(store_id)
        actor.require(Right.MANAGE, store)
        return store

    def backup(self, store: Store, id: str = "") -> Backup:
        """The store's backup whose id begins with `id`; the newest one for ''. Raises Refused."""
        backups = self._ledger.store_backups.of_store(store.id)
        if not backups:
            raise Refused(f"{store.name} has no backups yet.", next_step=f"Make one: /store backup {store.name}")
        found = [backup for backup in backups if backup.id.startswith(id)]
        if found and (not id or len(found) == 1):
            return found[0]
        what = f"{store.name} has {'several backups' if found else 'no backup'} called “{shorten(id)}”."
        raise Refused(what, next_step=f"/store backups {store.name} lists them.")

    def undeletable_by_id(self, store_id: str) -> Store:
        """The store with this id; if it is deleted, it can be undeleted. Raises StoreNotFound or StoreDeleted."""
        store = self.known(store_id)
        if store.status == StoreStatus.DELETED and not store.is_kept(self._ledger.clock()):
            raise self._deleted(store)
        return store
