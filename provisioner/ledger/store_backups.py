"""The backups of stores: what the backup server has, as far as the ledger knows."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from provisioner.domain.backup import Backup
from provisioner.ledger.connection import Connection
from provisioner.ledger.rows import Row


@dataclass(frozen=True)
class NewestBackup:
    """When the newest backup of the store called `name` was made, the size of what it holds, and when the last proof of
    any of the store's backups was. Times are epoch seconds."""

    name: str
    made_at: float
    bytes: int
    proven_at: float | None


@dataclass(frozen=True)
class BackupTimes:
    """When a store's newest backup was made, and when the last proof of any was (epoch seconds)."""

    made_at: float
    proven_at: float | None


class StoreBackups:
    """Reads and writes the table `store_backups`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, backup: Backup) -> None:
        """Insert a backup; one with this id is left as it is."""
        row = {**vars(backup), "counts": json.dumps(backup.counts)}
        with self._connection.transaction() as db:
            db.table("store_backups").insert(row, ignore=True)

    def of_store(self, store_id: str) -> list[Backup]:
        """The store's backups, newest first."""
        rows = self._connection.db.query(
            "SELECT * FROM store_backups WHERE store_id = ? ORDER BY made_at DESC, rowid DESC", [store_id]
        )
        return [_backup_of(row) for row in rows]

    def newest(self) -> list[NewestBackup]:
        """The newest backup of each store that is awake and has one: what sleeps does not change."""
        rows = self._connection.db.query(
            """SELECT name, max(made_at) AS made_at, bytes,
                      (SELECT max(proven_at) FROM store_backups p WHERE p.store_id = s.id) AS proven_at
               FROM store_backups b JOIN stores s ON s.id = b.store_id
               WHERE s.status NOT IN ('deleted', 'asleep') GROUP BY s.id ORDER BY name"""
        )
        return [NewestBackup(**row) for row in rows]

    def times(self, store_ids: Collection[str]) -> dict[str, BackupTimes]:
        """Of each of these stores that has a backup."""
        marks = ", ".join("?" * len(store_ids))
        query = f"""SELECT store_id, max(made_at), max(proven_at) FROM store_backups
                    WHERE store_id IN ({marks}) GROUP BY store_id"""
        rows = self._connection.db.execute(query, tuple(store_ids)).fetchall()
        return {store_id: BackupTimes(made_at, proven_at) for store_id, made_at, proven_at in rows}

    def note_proven(self, backup_id: str, at: float) -> None:
        """A working copy of the store was made from the backup (epoch seconds)."""
        with self._connection.transaction() as db:
            db.execute("UPDATE store_backups SET proven_at = ? WHERE id = ?", (at, backup_id))

    def keep(self, store_id: str, kept: Collection[str], before: float) -> int:
        """Delete the store's backups whose ids are not `kept`, if made `before` (epoch seconds); returns how many."""
        marks = ", ".join("?" * len(kept))
        query = f"DELETE FROM store_backups WHERE store_id = ? AND made_at < ? AND id NOT IN ({marks})"
        with self._connection.transaction() as db:
            return int(db.execute(query, (store_id, before, *kept)).rowcount)


def _backup_of(row: Row) -> Backup:
    return Backup(**{**row, "served": bool(row["served"]), "counts": json.loads(row["counts"])})
