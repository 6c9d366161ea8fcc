"""The audit log: who did what to which store, from where, and with which outcome. Rows are only added."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provisioner.ledger.connection import Connection

NAME_LIMIT = 100  # characters of a store's name as a person typed it


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


class Audit:
    """Reads and adds to the table `audit`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, record: AuditRecord, outcome: Outcome, *, job_id: str = "", reason: str = "") -> None:
        """Append one row, of now."""
        row = {"at": self._connection.clock(), **vars(record), "outcome": outcome}
        with self._connection.transaction() as db:
            db.table("audit").insert({**row, "job_id": job_id, "reason": reason})

    def rows(self, limit: int = 1000) -> list[dict[str, Any]]:
        """The newest rows, newest first."""
        return list(self._connection.db.query("SELECT * FROM audit ORDER BY id DESC LIMIT ?", [limit]))
