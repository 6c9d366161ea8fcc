"""Unit tests start no process, open no connection and write no file: an attempt fails the test."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest

FORBIDDEN = {
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "sqlite3.connect",
    "subprocess.Popen",
}
CHANGING = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "shutil.copyfile", "shutil.move"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
COMPILED = (".pyc", "__pycache__")  # Python's own
_guarded: set[int] = set()  # the id of the thread that runs a unit test; servers of other tests go on meanwhile


class SideEffect(BaseException):
    """A unit test did what only an integration test may do. No `except Exception` hides it."""


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if threading.get_ident() not in _guarded:
        return
    if event in FORBIDDEN:
        raise SideEffect(f"{event}{arguments}: move this test to tests/integration")
    if event == "open" and isinstance(arguments[0], int):
        return  # a file that is open already
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
    if (writes or event in CHANGING) and not any(part in str(arguments[0]) for part in COMPILED):
        raise SideEffect(f"{event} changes {arguments[0]}: move this test to tests/integration")


sys.addaudithook(_hook)


@pytest.fixture(autouse=True)
def _no_side_effects() -> Iterator[None]:
    if "UPDATE_GOLDEN" not in os.environ:
        _guarded.add(threading.get_ident())
    yield
    _guarded.clear()
