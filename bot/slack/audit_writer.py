"""AuditWriter: adds the rows of the audit log behind the answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from queue import Queue
from threading import Thread
from typing import Self

from provisioner.ledger.audit import AuditRecord, Outcome
from provisioner.ledger.ledger import Ledger

log = logging.getLogger(__name__)

Addition = Callable[[], None]


class AuditWriter:
    """Adds rows on a thread of its own, within a `with` block. Its end waits until all are written.

    So a listener's thread is free for the next request while the disk writes. Rows that come meanwhile share the next
    commit: 200 commands at once need a few commits, and not 200 that wait for each other."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._additions: Queue[Addition | None] = Queue()  # None is the last
        self._thread = Thread(target=self._write_until_the_last, name="audit")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._additions.put(None)
        self._thread.join()

    def add(self, record: AuditRecord, outcome: Outcome, *, job_id: str = "", reason: str = "") -> None:
        """Append one row soon. A row that can't be written is logged."""
        self._additions.put(partial(self._ledger.audit.add, record, outcome, job_id=job_id, reason=reason))

    def wait_until_written(self) -> None:
        """Wait for the rows that were added before."""
        self._additions.join()

    def _write_until_the_last(self) -> None:
        last = False
        while not last:
            additions = [self._additions.get()]
            while not self._additions.empty():
                additions.append(self._additions.get())
            last = additions[-1] is None
            self._write([addition for addition in additions if addition])
            for _ in additions:
                self._additions.task_done()

    def _write(self, additions: Sequence[Addition]) -> None:
        """Write all in one commit, or each alone if that fails."""
        try:
            with self._ledger.transaction():
                for addition in additions:
                    addition()
        except Exception:
            if len(additions) > 1:
                for addition in additions:
                    self._write([addition])
            else:
                log.exception("audit row not written")
