"""The audit log: who did what to which store, from where, and with which outcome.

Rows are only added. Each has a hash of itself and of the row before it, so a changed or removed row shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provisioner.domain.store import Store
from provisioner.ledger.connection import Connection

NAME_LIMIT = 100  # characters of a store's name as a person typed it
HASHED = ("at", "actor", "action", "store", "origin", "detail", "outcome", "request_id", "job_id", "reason")

Row = dict[str, Any]


class Outcome(StrEnum):
    """How a request ended."""

    ORDERED = "ordered"  # it made the job `job_id`
    ANSWERED = "answered"  # it was answered, and made no job
    REFUSED = "refused"  # `reason` says why
    ERROR = "error"  # `reason` names the error


@dataclass(frozen=True)
class AuditRecord:
    """One request. `action` is command, click, submission, event or reveal; `detail` is its raw text."""

    actor: str
    action: str
    store: str = ""
    origin: str = ""
    detail: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class AuditPage:
    """The newest rows, newest first, and how many there are in all."""

    rows: tuple[Row, ...]
    total: int


class Audit:
    """Reads and adds to the table `audit`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, record: AuditRecord, outcome: Outcome, *, job_id: str = "", reason: str = "") -> None:
        """Append one row, of now."""
        row = {"at": self._connection.clock(), **vars(record), "outcome": outcome, "job_id": job_id, "reason": reason}
        with self._connection.transaction() as db:
            last = db.execute("SELECT hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
            db.table("audit").insert({**row, "hash": chained(last[0] if last else "", row)})

    def rows(self, limit: int = 1000) -> list[Row]:
        """The newest rows, newest first."""
        return list(self._connection.db.query("SELECT * FROM audit ORDER BY id DESC LIMIT ?", [limit]))

    def page(self, limit: int, stores: Collection[Store] | None = None) -> AuditPage:
        """The newest `limit` rows: all, or those about `stores`.

        A row is about a store if it has the store's name and is from the time when the store had it."""
        about = "(store = ? AND at BETWEEN ? AND ?)"
        times = [(store.name, store.created_at, store.deleted_at or float("inf")) for store in stores or ()]
        where = "1" if stores is None else " OR ".join([about] * len(times)) or "0"
        values = [value for store in times for value in store]
        db = self._connection.db
        rows = db.query(f"SELECT * FROM audit WHERE {where} ORDER BY id DESC LIMIT ?", [*values, limit])
        total = db.execute(f"SELECT count(*) FROM audit WHERE {where}", values).fetchone()[0]
        return AuditPage(tuple(rows), total)

    def since(self, at: float, store: str = "") -> Iterator[Row]:
        """The rows from that time on (epoch seconds), oldest first: all, or those with this store's name."""
        where, values = ("AND store = ?", [store]) if store else ("", [])
        return self._connection.db.query(f"SELECT * FROM audit WHERE at >= ? {where} ORDER BY id", [at, *values])

    def breaks(self, head: str = "") -> Iterator[str]:
        """A sentence for each place where rows were changed or removed.

        Rows at the end can be removed without a trace in the others. A `head` shows it: the hash of a row that was
        once the last must still be the hash of a row."""
        db, last, previous, head_found = self._connection.db, 0, "", not head
        # Read before the rows: the bot may add some meanwhile.
        added = db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'audit'").fetchone()[0]
        for row in db.query("SELECT * FROM audit ORDER BY id"):
            if row["id"] != last + 1:
                yield f"The rows {last + 1} to {row['id'] - 1} were removed."
            elif row["hash"] != chained(previous, row):
                yield f"Row {row['id']}, or the row before it, was changed."
            last, previous = row["id"], row["hash"]
            head_found = head_found or previous == head
        if added > last:
            yield f"The rows {last + 1} to {added} were removed."
        if not head_found:
            yield f"No row has the hash {head}: that row and maybe others were removed or changed."


def chained(previous: str, row: Mapping[str, Any]) -> str:
    """The hash (SHA-256, hex) of a row after the row with the hash `previous`; '' before the first row."""
    return hashlib.sha256(json.dumps([previous, *(row[column] for column in HASHED)]).encode()).hexdigest()
