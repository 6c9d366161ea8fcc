"""Backups: checked copies of the ledger in use, and their restore.

A backup is one SQLite file, `ledger-<UTC>[-<label>].db`. A file with that name is always complete.

A restore has two steps: a command puts the backup next to the ledger as the pending restore, and the next process that
opens the ledger for exclusive use applies it. So it works where an operator has access only to the bot's pod.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from provisioner.domain.errors import StorewrightError
from provisioner.ledger.schema import schemas

log = logging.getLogger(__name__)

TIMESTAMP_FORMAT = "%Y%m%dT%H%M%SZ"
BACKUP_NAME = re.compile(r"ledger-(\d{8}T\d{6}Z)(-[a-z0-9-]+)?\.db")
UNFINISHED_PREFIX = ".unfinished-"
REPLACED_LABEL = "before-restore"
TABLES = {"stores", "jobs", "job_events", "outbox"}
BUSY_TIMEOUT_SECONDS = 30
MAX_NAMED_ERRORS = 3


class BackupUnusable(StorewrightError):
    """The file is not an intact ledger that this version can read."""


class BackupFailed(StorewrightError):
    """The backup could not be made, or could not be restored."""


@dataclass(frozen=True)
class Backup:
    """One backup; `made_at` is epoch seconds."""

    path: Path
    made_at: float
    bytes: int


class Backups:
    """The backups of one ledger, in one folder."""

    def __init__(
        self,
        ledger: Path,
        folder: Path | None = None,
        interval_seconds: float = 6 * 3600,
        keep: int = 28,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Touches no file. The newest `keep` backups are kept.

        The default folder is `backups` next to the ledger."""
        self.ledger, self.folder = ledger, folder or ledger.parent / "backups"
        self.interval_seconds, self.keep = interval_seconds, keep
        self._clock = clock

    def all(self) -> list[Backup]:
        """All backups, oldest first."""
        with suppress(FileNotFoundError):
            return sorted(_list(self.folder), key=lambda backup: (backup.made_at, backup.path.name))
        return []

    def newest(self) -> Backup | None:
        """The newest backup, or None.

        A backup with a time in the future, made while the clock was wrong, does not count."""
        return next(reversed(self._past()), None)

    def is_due(self) -> bool:
        """Whether the newest backup is older than `interval_seconds`."""
        newest = self.newest()
        return not newest or self._clock() - newest.made_at >= self.interval_seconds

    def _past(self) -> list[Backup]:
        return [backup for backup in self.all() if backup.made_at <= self._clock()]

    def make(self, label: str = "") -> Backup:
        """Make a backup and check it; blocks no writer.

        Then delete the oldest backups beyond `keep`. `label` (a-z, 0-9, -) becomes a part of the name.
        Raises BackupUnusable if the ledger is damaged, and BackupFailed."""
        with _as_backup_failed("Could not back up the ledger."), _exclusively(self.folder):
            self._prune()  # first too: the copy may need that space
            made_at = datetime.fromtimestamp(self._clock(), UTC)
            name = f"ledger-{made_at.strftime(TIMESTAMP_FORMAT)}{f'-{label}' if label else ''}.db"
            copy = self.folder / f"{UNFINISHED_PREFIX}{name}"
            _copy(self.ledger, copy)
            require_intact(copy)
            _rename_durably(copy, self.folder / name)
            self._prune()
        path = self.folder / name
        return Backup(path, int(made_at.timestamp()), path.stat().st_size)

    def _prune(self) -> None:
        for unfinished in self.folder.glob(f"{UNFINISHED_PREFIX}*"):  # its process was killed
            unfinished.unlink()
        for old in self._past()[: -self.keep]:
            old.path.unlink()

    def make_if_due(self) -> None:
        """Make a backup if one is due. Raises like `make`."""
        if self.is_due():
            backup = self.make()
            log.info("ledger backed up", extra={"backup": backup.path.name, "bytes": backup.bytes})

    # --- restore --------------------------------------------------------------------------------------------------

    @property
    def pending_restore(self) -> Path:
        """The file of the pending restore, which may not exist."""
        return self.ledger.with_suffix(".restore")

    def request_restore(self, backup: Path) -> None:
        """Make `backup` the pending restore.

        Raises BackupUnusable if it is damaged or a later version wrote it, and BackupFailed."""
        require_intact(backup)
        schema = summarize(backup).schema
        if schema not in schemas():
            what = f"{backup} was written by a later version of Storewright ({schema})."
            next_step = "Install that version first, or choose another backup."
            raise BackupUnusable(what, "This version can't read it.", next_step)
        with _as_backup_failed("Could not copy the backup next to the ledger."):
            self.ledger.parent.mkdir(parents=True, exist_ok=True)
            copy = self.pending_restore.with_suffix(".restore-new")
            shutil.copyfile(backup, copy)
            _rename_durably(copy, self.pending_restore)

    def cancel_restore(self) -> bool:
        """Cancel the pending restore; returns False if there is none."""
        with suppress(FileNotFoundError):
            self.pending_restore.unlink()
            return True
        return False

    def apply_pending_restore(self) -> bool:
        """Replace the ledger with the pending restore.

        Returns False if there is none. The replaced ledger becomes a backup. Only the process with the ledger's lock
        may call this. If it is killed, the next process completes the restore.
        Raises BackupFailed."""
        if not self.pending_restore.exists():
            return False
        if self.ledger.exists():
            self._keep_replaced_ledger()
        with _as_backup_failed("Could not replace the ledger with the backup."):
            for suffix in ("-wal", "-shm"):  # SQLite would apply the old ledger's to the new one
                self.ledger.with_name(self.ledger.name + suffix).unlink(missing_ok=True)
            _rename_durably(self.pending_restore, self.ledger)
        return True

    def _keep_replaced_ledger(self) -> None:
        try:
            self.make(REPLACED_LABEL)
        except (BackupUnusable, BackupFailed):  # a damaged ledger may be the reason for the restore
            timestamp = datetime.fromtimestamp(self._clock(), UTC).strftime(TIMESTAMP_FORMAT)
            with _as_backup_failed("Could not keep the damaged ledger."):
                # Its -wal file goes first. All are moved, as there may be no space for copies.
                for file in sorted(self.ledger.parent.glob(f"{self.ledger.name}*"), reverse=True):
                    shutil.move(file, self.folder / file.name.replace(self.ledger.name, f"broken-{timestamp}.db"))


# --- checks of one file --------------------------------------------------------------------------------------------


def require_intact(file: Path) -> None:
    """Raises BackupUnusable if `file` is missing, damaged, or not a ledger."""
    if not file.is_file():
        next_step = "List the backups: storewright ledger backups"
        raise BackupUnusable(f"{file} can't be read.", "There is no such file.", next_step)
    if damage := find_damage(file):
        reasons = "; ".join(damage[:MAX_NAMED_ERRORS])
        raise BackupUnusable(f"{file} is not an intact ledger.", reasons, "Choose another backup.")


def find_damage(file: Path) -> list[str]:
    """Errors in a ledger or backup; [] if it is intact.

    Reads the whole file; safe while a bot uses it."""
    try:
        with closing(_read_only(file)) as db:
            errors = [row[0] for row in db.execute("PRAGMA integrity_check")]
            errors += [f"{row[0]} refers to a missing {row[2]}" for row in db.execute("PRAGMA foreign_key_check")]
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        return [str(error)]
    errors += [f"there is no table {name}" for name in sorted(TABLES - tables)]
    return [error for error in errors if error != "ok"]


@dataclass(frozen=True)
class LedgerSummary:
    """Counts of a ledger or backup.

    `last_event_at` is epoch seconds, 0 if there is no event."""

    stores: int
    jobs: int
    unfinished_jobs: int
    last_event_at: float
    schema: str

    @property
    def counts(self) -> str:
        """Such as: 3 stores, 17 jobs (1 unfinished)."""
        return f"{self.stores} stores, {self.jobs} jobs ({self.unfinished_jobs} unfinished)"


def summarize(file: Path) -> LedgerSummary:
    """The summary of an intact ledger or backup. Raises BackupUnusable."""
    try:
        with closing(_read_only(file)) as db:
            row = db.execute(
                """SELECT (SELECT count(*) FROM stores WHERE status != 'deleted'), (SELECT count(*) FROM jobs),
                   (SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')),
                   (SELECT coalesce(max(at), 0) FROM job_events),
                   (SELECT name FROM _sqlite_migrations ORDER BY name DESC LIMIT 1)"""
            ).fetchone()
            return LedgerSummary(*row)
    except sqlite3.Error as error:
        raise BackupUnusable(f"{file} can't be read.", f"{error}.") from error


def _read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_SECONDS)


# --- files ---------------------------------------------------------------------------------------------------------


def _copy(ledger: Path, copy: Path) -> None:
    """Copy with SQLite's backup API: one consistent state, without blocking writers."""
    with closing(_read_only(ledger)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal that could be lost


def _rename_durably(file: Path, target: Path) -> None:
    """Rename a file; after a power failure, `target` is complete or absent."""
    _sync(file)
    file.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _as_backup_failed(what: str) -> Iterator[None]:
    """Turn errors of files and SQLite into BackupFailed."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        next_step = "Check the free space of the volume and its permissions, then try again."
        raise BackupFailed(what, f"{error}.", next_step) from error


@contextmanager
def _exclusively(folder: Path) -> Iterator[None]:
    """Lock the folder: bot and command may back up at once."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _list(folder: Path) -> Iterator[Backup]:
    for path in folder.iterdir():
        if match := BACKUP_NAME.fullmatch(path.name):
            made_at = datetime.strptime(match[1], TIMESTAMP_FORMAT).replace(tzinfo=UTC).timestamp()
            yield Backup(path, made_at, path.stat().st_size)
