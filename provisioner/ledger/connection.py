"""One SQLite file, one connection per thread, and transactions that send signals after their commit."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlite_utils import Database

from provisioner.domain.errors import StorewrightError
from provisioner.domain.signal import Signal

BUSY_TIMEOUT_SECONDS = 30
PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    f"busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}",
)


class LedgerClosed(StorewrightError):
    """The ledger was closed in this process."""


@dataclass(frozen=True)
class Signals:
    """Sent after the commit of a transaction that made the first or second of these."""

    job_queued: Signal = field(default_factory=Signal)
    entry_due: Signal = field(default_factory=Signal)


class _Thread(threading.local):
    """One thread's connection, whether it is in a transaction, and what to signal after that."""

    db: Database | None = None
    in_transaction = False

    def __init__(self) -> None:
        self.pending: list[Signal] = []


class Connection:
    """The database for all threads of this process. `clock` returns epoch seconds."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time, signals: Signals | None = None) -> None:
        """Connects at the first use."""
        self.path, self.clock = path, clock
        self.signals = signals or Signals()
        self._thread = _Thread()
        self._closed = False

    @property
    def db(self) -> Database:
        """This thread's connection. Raises LedgerClosed after `close`."""
        if self._closed:
            raise LedgerClosed(f"The ledger {self.path} was closed.", "This process is stopping.")
        if self._thread.db is None:
            connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_SECONDS)
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            self._thread.db = Database(connection)
        return self._thread.db

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """One write transaction; a nested one joins the outer one.

        It is IMMEDIATE, so that what it reads stays true until its commit."""
        db = self.db
        if self._thread.in_transaction:
            yield db
            return
        db.execute("BEGIN IMMEDIATE")
        self._thread.in_transaction, self._thread.pending = True, []
        try:
            yield db
            db.commit()
        except BaseException:
            db.rollback()
            raise
        finally:
            self._thread.in_transaction = False
        for signal in self._thread.pending:
            signal.send()

    def send_after_commit(self, signal: Signal) -> None:
        """Send `signal` once when the current transaction is committed."""
        if signal not in self._thread.pending:
            self._thread.pending.append(signal)

    def close(self) -> None:
        """Refuse every later use. Closes this thread's connection only; the others end with their threads.

        SQLite crashes when a connection is closed while another thread runs a statement on it."""
        self._closed = True
        if self._thread.db is not None:
            self._thread.db.close()
            self._thread.db = None
