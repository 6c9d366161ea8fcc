"""The ledger: one SQLite database with stores, jobs, outbox, links and audit log, each in a module of its own."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from sqlite_utils import Database

from provisioner.domain.errors import StorewrightError
from provisioner.domain.expiry import Expiry
from provisioner.domain.store import ENDING, Store, StoreStatus
from provisioner.ledger.audit import Audit
from provisioner.ledger.backup import Backups
from provisioner.ledger.connection import Connection, Signals
from provisioner.ledger.dashboards import Dashboards
from provisioner.ledger.deliveries import Deliveries
from provisioner.ledger.homes import Homes
from provisioner.ledger.jobs import Jobs
from provisioner.ledger.links import Links
from provisioner.ledger.lock import LedgerInUse, LedgerLock
from provisioner.ledger.outbox import NOTICES, Outbox, OutboxKind, notice_subject
from provisioner.ledger.schema import migrations, schemas
from provisioner.ledger.statistics import Statistics
from provisioner.ledger.store_backups import StoreBackups
from provisioner.ledger.stores import Stores

KEPT_SECONDS = 86_400  # for delivery keys and expired links


class LedgerNotUsable(StorewrightError):
    """The ledger is missing, damaged, or of another version."""


class Ledger:
    """Thread-safe. Open it with `exclusive` or `shared`."""

    def __init__(self, connection: Connection, lock: LedgerLock | None = None) -> None:
        self.connection = connection
        self._lock = lock
        self.stores = Stores(connection)
        self.outbox = Outbox(connection)
        self.homes = Homes(connection, self.outbox)
        self.jobs = Jobs(connection, self.outbox, self.homes, exclusive=lock is not None)
        self.audit = Audit(connection)
        self.links = Links(connection, self.stores, self.audit, self.outbox)
        self.deliveries = Deliveries(connection)
        self.store_backups = StoreBackups(connection)
        self.statistics = Statistics(connection)
        self.dashboards = Dashboards(connection)

    @classmethod
    def exclusive(
        cls,
        path: Path,
        clock: Callable[[], float] = time.time,
        *,
        backups: Backups | None = None,
        wait_seconds: float = 0.0,
    ) -> Self:
        """Open the ledger for the one process that runs jobs.

        Creates the file if it is missing, takes the place of an offered backup, and migrates the schema (after a
        backup).

        Raises LedgerInUse if another process still has it after `wait_seconds`, LedgerNotUsable, BackupUnusable and
        BackupFailed."""
        connection = Connection(path, clock)
        try:
            lock = LedgerLock(path.with_suffix(".lock"), wait_seconds)
        except OSError as error:
            next_step = "Check the free space of its volume and its permissions."
            raise LedgerNotUsable(f"The ledger {path} can't be opened.", f"{error}.", next_step) from error
        try:
            _bring_up_to_date(connection, backups or Backups(path))
        except BaseException:
            connection.close()
            lock.release()
            raise
        return cls(connection, lock)

    @classmethod
    def shared(cls, path: Path, clock: Callable[[], float] = time.time) -> Self:
        """Open the ledger while the bot runs, to read and to order.

        Raises LedgerNotUsable if it is missing or not up to date."""
        connection = Connection(path, clock)
        try:
            _require_up_to_date(connection)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    def close(self) -> None:
        """Refuse every later use, and let another process open the ledger for exclusive use."""
        self.connection.close()
        if self._lock:
            self._lock.release()

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return self.connection.path

    @property
    def clock(self) -> Callable[[], float]:
        """Returns the time in epoch seconds."""
        return self.connection.clock

    @property
    def signals(self) -> Signals:
        """Sent when there is something to run or to send."""
        return self.connection.signals

    @property
    def is_exclusive(self) -> bool:
        """Whether this process runs the jobs."""
        return self._lock is not None

    @property
    def lock_id(self) -> str:
        """The same for all processes that had this ledger for exclusive use; '' if it is shared."""
        return self._lock.id if self._lock else ""

    def transaction(self) -> AbstractContextManager[Database]:
        """One write transaction over all parts; a nested one joins it."""
        return self.connection.transaction()

    def set_store_status(self, store_id: str, status: StoreStatus, *, by: str, at: float | None = None) -> None:
        """Record a store's new status. The credential links of a store that ends are revoked."""
        with self.transaction():
            self.stores.set_status(store_id, status, at=self.jobs.time_of(at), by=by)
            if status in ENDING:
                self.links.revoke_all(store_id)

    def set_owner(self, store: Store, owner: str) -> None:
        """Record a store's new owner. The links of the former one stop working, and messages show the new one.

        What was posted to the former owner's direct messages goes to the new one's from now on."""
        with self.transaction():
            self.stores.set_owner(store.id, owner, owner if store.origin == store.owner else store.origin)
            self.links.revoke_all(store.id)
            self.homes.refresh(store.owner)
            self.refresh_messages(store.id)

    def set_expiry(self, store: Store, expiry: Expiry | None) -> None:
        """Record when a store expires, None for never. Its messages and notices show that."""
        with self.transaction():
            self.stores.set_expiry(store.id, expiry)
            for number in range(store.noticed):
                for kind in NOTICES:
                    self.outbox.refresh(kind, notice_subject(store, number))
            self.refresh_messages(store.id)

    def refresh_messages(self, store_id: str) -> None:
        """Show the store as it is now in its newest message and on the App Homes that show it."""
        if shown := self.jobs.last_shown(store_id):
            self.outbox.refresh(OutboxKind.SUMMARY, shown.id)
        if store := self.stores.get(store_id):
            self.homes.refresh(store.owner)

    def note_forgotten(self, store_id: str) -> None:
        """Record that a deleted store can't be undeleted any more, and say so once in the thread of its deletion."""
        with self.transaction():
            self.stores.keep_until(store_id, None)
            self.store_backups.keep(store_id, (), float("inf"))
            if job := self.jobs.last_shown(store_id):
                self.jobs.note_forgotten(job)

    def require_writable(self) -> None:
        """Raises LedgerNotUsable if nothing can be written."""
        try:
            with self.transaction():
                pass
        except sqlite3.Error as error:
            next_step = "Fix its volume, or the permissions of its folder."
            raise LedgerNotUsable(f"The ledger {self.path} can't be written.", f"{error}.", next_step) from error

    def sweep(self) -> None:
        """Delete delivery keys and links that are a day old."""
        before = self.clock() - KEPT_SECONDS
        with self.transaction():
            self.deliveries.sweep(before)
            self.links.sweep(before)


# --- opening -----------------------------------------------------------------------------------------------------


def _bring_up_to_date(connection: Connection, backups: Backups) -> None:
    backups.apply_pending_restore()
    _require_sound(connection)
    applied, pending = _migrations(connection)
    if applied and pending:
        backups.make(f"before-{pending[0].replace('_', '-')}")
    try:
        migrations.apply(connection.db)
    except sqlite3.Error as error:
        what = f"The ledger {connection.path} could not be migrated ({pending[0]})."
        next_step = f"Run the former version for now; the backup made before is in {backups.folder}."
        raise LedgerNotUsable(what, f"{error}.", next_step) from error


def _require_up_to_date(connection: Connection) -> None:
    path = connection.path
    if not path.exists():
        raise LedgerNotUsable(f"There is no ledger at {path}.", "", "Start the bot first, or set LEDGER_PATH.")
    if pending := _migrations(connection)[1]:
        what = f"The ledger {path} is of an older version."
        raise LedgerNotUsable(what, f"It lacks {', '.join(pending)}.", "Start the bot of this version first.")


def _require_sound(connection: Connection) -> None:
    """Reads every page. Raises LedgerNotUsable if one is damaged."""
    try:
        [found] = connection.db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise _unreadable(connection.path, str(error)) from error
    if found != "ok":
        raise _unreadable(connection.path, str(found))


def _migrations(connection: Connection) -> tuple[list[str], list[str]]:
    """The applied and the pending ones. Raises LedgerNotUsable if a later version wrote the ledger."""
    try:
        applied = [migration.name for migration in migrations.applied(connection.db)]
        pending = [migration.name for migration in migrations.pending(connection.db)]
    except sqlite3.Error as error:
        raise _unreadable(connection.path, str(error)) from error
    if len(applied) + len(pending) > len(schemas()):
        what = f"The ledger {connection.path} was written by a later version of Storewright ({applied[-1]})."
        next_step = "Run that version, or restore a backup from before it: storewright ledger restore."
        raise LedgerNotUsable(what, "", next_step)
    return applied, pending


def _unreadable(path: Path, cause: str) -> LedgerNotUsable:
    next_step = "If it is damaged, restore a backup: storewright ledger backups, storewright ledger restore."
    return LedgerNotUsable(f"The ledger {path} can't be read.", f"{cause}.", next_step)


__all__ = ["Ledger", "LedgerInUse", "LedgerNotUsable"]
