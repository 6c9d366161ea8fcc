"""AuditWriter: adds the rows of the audit log behind the answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from queue import Queue
from threading import Thread
from typing import NamedTuple, Self

from provisioner.ledger.audit import AuditRecord, Outcome
from provisioner.ledger.ledger import Ledger

log = logging.getLogger(__name__)


class _Row(NamedTuple):
    record: AuditRecord
    outcome: Outcome
    job_id: str
    reason: str


class AuditWriter:
    """Adds rows on a thread of its own, within a `with` block. Its end waits until all are written.

    So a listener's thread is free for the next request while the disk writes. Rows that come meanwhile share the next
    commit: 200 commands at once need a few commits, and not 200 that wait for each other."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._rows: Queue[_Row | None] = Queue()  # None is the last
        self._thread = Thread(target=self._write_until_the_last, name="audit")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.put(None)
        self._thread.join()

    def add(self, record: AuditRecord, outcome: Outcome, *, job_id: str = "", reason: str = "") -> None:
        """Append one row soon. A row that can't be written is logged."""
        self._rows.put(_Row(record, outcome, job_id, reason))

    def wait_until_written(self) -> None:
        """Wait for the rows that were added before."""
        self._rows.join()

    def _write_until_the_last(self) -> None:
        last = False
        while not last:
            rows = [self._rows.get()]
            while not self._rows.empty():
                rows.append(self._rows.get())
            last = rows[-1] is None
            self._write([row for row in rows if row])
            for _ in rows:
                self._rows.task_done()

    def _write(self, rows: Sequence[_Row]) -> None:
        """Write all in one commit, or each alone if that fails."""
        try:
            with self._ledger.transaction():
                for record, outcome, job_id, reason in rows:
                    self._ledger.audit.add(record, outcome, job_id=job_id, reason=reason)
        except Exception:
            if len(rows) == 1:
                ((record, *ending),) = rows
                log.exception("audit row not written: %s", " ".join(ending), extra={"request": record.request_id})
            else:
                for row in rows:
                    self._write([row])
