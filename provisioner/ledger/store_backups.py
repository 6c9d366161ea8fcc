"""The backups of stores: what the backup server has, as far as the ledger knows."""

from __future__ import annotations

import json

from provisioner.domain.backup import Backup
from provisioner.ledger.connection import Connection
from provisioner.ledger.rows import Row


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


def _backup_of(row: Row) -> Backup:
    return Backup(**{**row, "served": bool(row["served"]), "counts": json.loads(row["counts"])})
