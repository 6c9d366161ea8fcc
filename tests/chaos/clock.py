"""The clock of a bot's process, which a test can move while the process runs.

It replaces the wall clock only (`time.time`, `datetime.now`), as a correction by NTP or an operator does; the monotonic
clock goes on."""

from __future__ import annotations

import datetime
import time
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Self
from unittest.mock import patch

FILE = "clock"


def move(folder: Path, seconds: float) -> None:
    """Set the clock of the folder's process to `seconds` ahead of the machine's (behind, if negative)."""
    new = folder / f"{FILE}.new"
    new.write_text(str(seconds))
    new.replace(folder / FILE)


def install(folder: Path) -> None:
    """Let this process follow `move`. Call this before anything else is imported."""
    file, wall = folder / FILE, time.time

    def ahead() -> float:
        try:
            return float(file.read_text())
        except FileNotFoundError:
            return 0.0

    class MovedDatetime(datetime.datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(seconds=ahead())

    if not file.exists():
        return  # a process whose clock is not moved keeps the real classes
    patch.object(time, "time", lambda: wall() + ahead()).start()
    patch.object(datetime, "datetime", MovedDatetime).start()
