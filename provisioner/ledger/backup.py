"""Copies of the ledger, made while it is at work: whole or not there, checked before they count, the newest ones kept.

A backup is one SQLite file, `ledger-<UTC>[-<why>].db`. To restore one is to offer it: the next process that has the
ledger to itself takes it, so that it works where the ledger's volume can't be reached beside the bot."""

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

STAMP = "%Y%m%dT%H%M%SZ"
NAME = re.compile(r"ledger-(\d{8}T\d{6}Z)(-[a-z0-9-]+)?\.db")
UNFINISHED = ".unfinished-"
RESTORED = "before-restore"


class BackupUnusable(StorewrightError):
    """A file that is no sound ledger."""


class BackupFailed(StorewrightError):
    """No backup could be made, or none put where it is to be restored."""


@dataclass(frozen=True)
class Backup:
    """`made_at` is epoch seconds."""

    path: Path
    made_at: float
    bytes: int


class Backups:
    """Of one ledger, in one folder. `every` is in seconds, `keep` the number of backups that are spared."""

    def __init__(
        self,
        ledger: Path,
        folder: Path | None = None,
        every: float = 6 * 3600,
        keep: int = 28,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Without a `folder`, they are in `backups` beside the ledger. Nothing is touched yet."""
        self.ledger, self.folder, self.every, self.keep = ledger, folder or ledger.parent / "backups", every, keep
        self._clock = clock

    def kept(self) -> list[Backup]:
        """Oldest first."""
        with suppress(FileNotFoundError):
            return sorted(_found(self.folder), key=lambda backup: (backup.made_at, backup.path.name))
        return []

    def newest(self) -> Backup | None:
        """None of the future counts, which a clock that went wrong may have left."""
        return next(reversed(self._past()), None)

    def is_due(self) -> bool:
        """Whether the newest is older than `every`."""
        newest = self.newest()
        return not newest or self._clock() - newest.made_at >= self.every

    def _past(self) -> list[Backup]:
        return [backup for backup in self.kept() if backup.made_at <= self._clock()]

    def make(self, why: str = "") -> Backup:
        """Copy the ledger as it is at this moment; writers are not held up. Older ones beyond `keep` go.

        `why` (a-z, 0-9, -) becomes part of the name. Raises BackupUnusable where the ledger itself is not sound,
        BackupFailed."""
        with _told_as("The ledger could not be backed up."), _alone(self.folder):
            self._tidy_up()  # before too: that may make the room that is lacking
            made_at = datetime.fromtimestamp(self._clock(), UTC)
            name = f"ledger-{made_at.strftime(STAMP)}{f'-{why}' if why else ''}.db"
            copy = self.folder / f"{UNFINISHED}{name}"
            _copy(self.ledger, copy)
            require_sound(copy)
            _put(copy, self.folder / name)
            self._tidy_up()
        found = self.folder / name
        return Backup(found, int(made_at.timestamp()), found.stat().st_size)

    def _tidy_up(self) -> None:
        for left in self.folder.glob(f"{UNFINISHED}*"):  # of one that was killed
            left.unlink()
        for old in self._past()[: -self.keep]:
            old.path.unlink()

    def keep_up(self) -> None:
        """Make one where one is due. Raises as `make` does."""
        if self.is_due():
            made = self.make()
            log.info("backed up the ledger", extra={"backup": made.path.name, "bytes": made.bytes})

    # --- restoring ------------------------------------------------------------------------------------------------

    @property
    def offered(self) -> Path:
        """Where a backup waits that is to take the ledger's place."""
        return self.ledger.with_suffix(".restore")

    def offer(self, backup: Path) -> None:
        """Let `backup` take the ledger's place as soon as a process has it to itself. Raises BackupUnusable (also for
        one that a later version wrote) and BackupFailed."""
        require_sound(backup)
        schema = contents_of(backup).schema
        if schema not in schemas():
            what = f"{backup} was written by a later version of Storewright ({schema})."
            raise BackupUnusable(what, "This one can't read it.", "Install that version first, or take another backup.")
        with _told_as("The backup could not be put beside the ledger."):
            self.ledger.parent.mkdir(parents=True, exist_ok=True)
            copy = self.offered.with_suffix(".restore-new")
            shutil.copyfile(backup, copy)
            _put(copy, self.offered)

    def withdraw(self) -> bool:
        """Let the offered backup be. False where none is offered (any more)."""
        with suppress(FileNotFoundError):
            self.offered.unlink()
            return True
        return False

    def take_offered(self) -> bool:
        """Put the offered backup in the ledger's place; what was there is kept as a backup. To be called by the process
        that has the ledger to itself; killed half-way, it can be called again. False where none is offered. Raises
        BackupFailed."""
        if not self.offered.exists():
            return False
        if self.ledger.exists():
            self._set_aside()
        with _told_as("The backup could not be put in the ledger's place."):
            for end in ("-wal", "-shm"):  # of the old ledger: SQLite would play them into the new one
                self.ledger.with_name(self.ledger.name + end).unlink(missing_ok=True)
            _put(self.offered, self.ledger)
        return True

    def _set_aside(self) -> None:
        try:
            self.make(RESTORED)
        except (BackupUnusable, BackupFailed):  # it is broken, which may be why another is to take its place
            stamp = datetime.fromtimestamp(self._clock(), UTC).strftime(STAMP)
            with _told_as("The broken ledger could not be kept."):
                parts = self.ledger.parent.glob(f"{self.ledger.name}*")  # its -wal too, which goes first
                for part in sorted(parts, reverse=True):  # moved: there may be no room for a copy
                    shutil.move(part, self.folder / part.name.replace(self.ledger.name, f"broken-{stamp}.db"))


def require_sound(file: Path) -> None:
    """Raises BackupUnusable where SQLite finds fault with `file`, or it is no ledger."""
    if not file.is_file():
        raise BackupUnusable(f"{file} can't be read.", "There is no such file.", "See: storewright ledger backups")
    if faults := faults_of(file):
        raise BackupUnusable(f"{file} is not a sound ledger.", "; ".join(faults[:3]), "Take another backup.")


def faults_of(file: Path) -> list[str]:
    """What is wrong with a ledger or backup; reads it whole. Safe while a bot is at work on it."""
    try:
        with closing(_read_only(file)) as db:
            found = [row[0] for row in db.execute("PRAGMA integrity_check")]
            found += [f"{row[0]} refers to a missing {row[2]}" for row in db.execute("PRAGMA foreign_key_check")]
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        return [str(error)]
    missing = {"stores", "jobs", "job_events", "outbox"} - tables
    return [fault for fault in found if fault != "ok"] + [f"there is no table {name}" for name in sorted(missing)]


@dataclass(frozen=True)
class Contents:
    """What a ledger or backup holds; `as_of` is when something last happened in it (epoch seconds), 0 for never."""

    stores: int
    jobs: int
    live: int
    as_of: float
    schema: str


def contents_of(file: Path) -> Contents:
    """Of a sound ledger. Raises BackupUnusable."""
    try:
        with closing(_read_only(file)) as db:
            numbers = db.execute(
                """SELECT (SELECT count(*) FROM stores WHERE status != 'deleted'), (SELECT count(*) FROM jobs),
                   (SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')),
                   (SELECT coalesce(max(at), 0) FROM job_events),
                   (SELECT name FROM _sqlite_migrations ORDER BY name DESC LIMIT 1)"""
            ).fetchone()
            return Contents(*numbers)
    except sqlite3.Error as error:
        raise BackupUnusable(f"{file} can't be read.", f"{error}.") from error


def _read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=30)


def _copy(ledger: Path, copy: Path) -> None:
    """By SQLite's backup interface: one consistent moment, writers go on."""
    with closing(_read_only(ledger)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, with no -wal that could be lost


def _put(file: Path, place: Path) -> None:
    """Give `file` its final name, durably: whoever finds that name finds all of it."""
    _sync(file)
    file.replace(place)
    _sync(place.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told_as(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(what, f"{error}.", "Check the volume's room and rights, then try again.") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """A schedule and a person may want a backup at the same moment: one after the other."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _found(folder: Path) -> Iterator[Backup]:
    for path in folder.iterdir():
        if match := NAME.fullmatch(path.name):
            made_at = datetime.strptime(match[1], STAMP).replace(tzinfo=UTC).timestamp()
            yield Backup(path, made_at, path.stat().st_size)
