"""The lock file that gives one process the ledger for exclusive use."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import IO

from provisioner.domain.errors import StorewrightError
from provisioner.log_context import new_id

RETRY_SECONDS = 0.05


class LedgerInUse(StorewrightError):
    """Another process has the ledger for exclusive use."""


class LedgerLock:
    """An exclusive lock on a file, held until `release` or the end of the process.

    `id` is the same for all processes that held the lock on this machine, and different for every other ledger."""

    def __init__(self, path: Path, wait_seconds: float) -> None:
        """Raises LedgerInUse if another process still holds it after `wait_seconds`, and OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+")
        try:
            _lock(self._file, path, wait_seconds)
            self.id = _id_in(self._file)
        except BaseException:
            self._file.close()
            raise

    def release(self) -> None:
        """Let another process lock the file."""
        self._file.close()


def _lock(file: IO[str], path: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                what = f"The ledger {path.with_suffix('')} is in use by another process."
                raise LedgerInUse(what, "A bot runs with it.", "Stop that bot first.") from None
            time.sleep(RETRY_SECONDS)


def _id_in(file: IO[str]) -> str:
    file.seek(0)
    if not (lock_id := file.read().strip()):
        lock_id = new_id()
        file.write(lock_id)
        file.flush()
    return lock_id
