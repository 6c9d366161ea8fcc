"""Stores in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.domain.expiry import Expiry
from provisioner.domain.limits import HOUR_SECONDS
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.connection import Connection
from provisioner.ledger.rows import store_of

EXISTS = "status != 'deleted'"
COUNTED = "status NOT IN ('deleted', 'deleting')"  # the stores that count towards a person's limit


@dataclass(frozen=True)
class StorePage:
    """Some of a list of stores, and how many stores the whole list has."""

    stores: tuple[Store, ...]
    total: int


class Stores:
    """Reads and writes the table `stores`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- reading ----------------------------------------------------------------------------------------------------

    def named(self, name: str) -> Store | None:
        """The store that has this name now."""
        return self._where(f"name = ? AND {EXISTS}", name)

    def get(self, store_id: str) -> Store | None:
        """The store, deleted or not."""
        return self._where("id = ?", store_id)

    def last_deleted(self, name: str) -> Store | None:
        """The store that had this name last."""
        return self._where("name = ? AND status = 'deleted' ORDER BY deleted_at DESC LIMIT 1", name)

    def kept(self, name: str) -> Store | None:
        """The deleted store of this name whose deletion can still be undone."""
        now = self._connection.clock()
        return self._where("name = ? AND status = 'deleted' AND kept_until > ? ORDER BY deleted_at DESC", name, now)

    def to_forget(self) -> list[Store]:
        """The deleted stores whose deletion can't be undone any more, and whose backups are there."""
        query = "SELECT * FROM stores WHERE status = 'deleted' AND kept_until <= ? ORDER BY kept_until"
        return [store_of(row) for row in self._connection.db.query(query, [self._connection.clock()])]

    def all(self) -> list[Store]:
        """Every store that exists, oldest first."""
        rows = self._connection.db.query(f"SELECT * FROM stores WHERE {EXISTS} ORDER BY created_at")
        return [store_of(row) for row in rows]

    def expiring(self) -> list[Store]:
        """The stores that exist and expire, the next one first."""
        query = f"SELECT * FROM stores WHERE {EXISTS} AND expires_at IS NOT NULL ORDER BY expires_at"
        return [store_of(row) for row in self._connection.db.query(query)]

    def names(self) -> list[str]:
        """The names of the stores that exist."""
        return [row[0] for row in self._connection.db.execute(f"SELECT name FROM stores WHERE {EXISTS}")]

    def page(self, owner: str, *, limit: int, others: bool = False) -> StorePage:
        """The oldest `limit` stores of `owner`, or with `others` those of everybody else."""
        return self._page(f"{EXISTS} AND owner {'!=' if others else '='} ?", [owner], limit)

    def matching(self, *, limit: int, **values: str) -> StorePage:
        """The oldest `limit` stores with these values of `owner`, `type` and `status`."""
        wheres = [EXISTS, *(f"{column} = ?" for column in values)]
        return self._page(" AND ".join(wheres), list(values.values()), limit)

    def owned(self, owner: str) -> int:
        """The number of the person's stores that count towards their limit."""
        return self._count(f"owner = ? AND {COUNTED}", owner)

    def ordered_within_hour(self, owner: str) -> list[float]:
        """When the person ordered stores within the last hour (epoch seconds), oldest first."""
        query = "SELECT created_at FROM stores WHERE owner = ? AND created_at > ? ORDER BY created_at"
        since = self._connection.clock() - HOUR_SECONDS
        return [row[0] for row in self._connection.db.execute(query, (owner, since)).fetchall()]

    # --- writing ----------------------------------------------------------------------------------------------------

    def add(self, store: Store) -> None:
        """Insert a new store."""
        with self._connection.transaction() as db:
            db.table("stores").insert(store.__dict__)

    def adopt(self, store: Store) -> bool:
        """Insert a store found in the cluster. False if the ledger has its id or its name."""
        with self._connection.transaction() as db:
            if self._where(f"id = ? OR (name = ? AND {EXISTS})", store.id, store.name):
                return False
            db.table("stores").insert(store.__dict__)
            return True

    def set_version(self, store_id: str, version: str) -> None:
        """Record the chart version that a store runs."""
        self._update(store_id, version=version)

    def set_options(self, store_id: str, options: Mapping[str, str]) -> None:
        """Record a store's options."""
        self._update(store_id, options=dict(options))

    def keep_until(self, store_id: str, until: float | None) -> None:
        """Record until when a store's deletion can be undone (epoch seconds); None for not at all."""
        self._update(store_id, kept_until=until)

    def set_owner(self, store_id: str, owner: str, origin: str) -> None:
        """Record a store's owner, and where messages about it go."""
        self._update(store_id, owner=owner, origin=origin)

    def set_expiry(self, store_id: str, expiry: Expiry | None) -> None:
        """Record when a store expires, None for never. No notice of it was delivered yet."""
        at, life = (expiry.at, expiry.life) if expiry else (None, 0.0)
        self._update(store_id, expires_at=at, life=life, noticed=0, noticed_at=0.0)

    def set_idle_after(self, store_id: str, seconds: float | None) -> None:
        """Record after how long without a shopper a store sleeps: 0 for never, None as the policy says."""
        self._update(store_id, idle_after=seconds)

    def note_visit(self, store_id: str, at: float) -> None:
        """Record when the last shopper was seen (epoch seconds)."""
        self._update(store_id, visited_at=at)

    def note_noticed(self, store_id: str, expires_at: float, number: int) -> None:
        """Record that a notice was delivered, unless the store got another expiry."""
        query = "UPDATE stores SET noticed = ?, noticed_at = ? WHERE id = ? AND expires_at = ? AND noticed <= ?"
        with self._connection.transaction() as db:
            db.execute(query, (number + 1, self._connection.clock(), store_id, expires_at, number))

    def set_status(self, store_id: str, status: StoreStatus, *, at: float, by: str) -> None:
        """Record a new status and, the first time it is ready or when it is deleted, the time and the person.

        A store that is created again is not deleted any more. One that was deleted lives as long again."""
        store = self.get(store_id)
        changes: dict[str, Any] = {"status": status}
        if status == StoreStatus.READY and store and store.ready_at is None:
            changes["ready_at"] = at
        if status == StoreStatus.DELETED:
            changes |= {"deleted_at": at, "deleted_by": by}
        if status == StoreStatus.CREATING:
            changes |= {"deleted_at": None, "deleted_by": None}
            if store and store.expires_at and store.status == StoreStatus.DELETED:
                changes |= {"expires_at": at + store.life, "noticed": 0, "noticed_at": 0.0}
        self._update(store_id, **changes)

    def _update(self, store_id: str, **changes: Any) -> None:
        with self._connection.transaction() as db:
            db.table("stores").update(store_id, changes)

    def _where(self, where: str, *args: Any) -> Store | None:
        rows = self._connection.db.query(f"SELECT * FROM stores WHERE {where}", args)
        return next((store_of(row) for row in rows), None)

    def _page(self, where: str, args: list[str], limit: int) -> StorePage:
        query = f"SELECT * FROM stores WHERE {where} ORDER BY created_at LIMIT ?"
        stores = tuple(store_of(row) for row in self._connection.db.query(query, [*args, limit]))
        return StorePage(stores, self._count(where, *args))

    def _count(self, where: str, *args: Any) -> int:
        return int(self._connection.db.execute(f"SELECT count(*) FROM stores WHERE {where}", args).fetchone()[0])
