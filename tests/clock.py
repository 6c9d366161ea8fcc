"""`python -m tests.clock FOLDER MODULE …`: run a module with a clock that a test can move while it runs.

It replaces the wall clock only (`time.time`, `datetime.now`), as a correction by NTP or an operator does; the monotonic
clock goes on."""

from __future__ import annotations

import datetime
import runpy
import sys
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


def install() -> None:
    """Let this process have a clock that `follow` moves. Call this before anything else is imported."""
    wall = time.time

    class MovedDatetime(datetime.datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(seconds=_ahead())

    patch.object(time, "time", lambda: wall() + _ahead()).start()
    patch.object(datetime, "datetime", MovedDatetime).start()


def follow(folder: Path) -> None:
    """Take the clock from `move` for this folder."""
    global _file
    _file = folder / FILE


_file: Path | None = None


def _ahead() -> float:
    try:
        return float(_file.read_text()) if _file else 0.0
    except FileNotFoundError:
        return 0.0


def main() -> None:
    """Run the module with the arguments after its name."""
    folder, module = sys.argv[1:3]
    install()
    follow(Path(folder))
    del sys.argv[:2]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
