"""The guard of this folder: it fails a test that starts a process, opens a connection or writes a file."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.conftest import SideEffect


@pytest.mark.parametrize(
    "act",
    [
        lambda: subprocess.run(["true"], check=False),
        lambda: socket.create_server(("127.0.0.1", 0)),
        lambda: socket.create_connection(("127.0.0.1", 9)),
        lambda: sqlite3.connect(":memory:"),
        lambda: Path("written").write_text("x"),
        lambda: Path("made").mkdir(),
    ],
    ids=["process", "server", "connection", "database", "file", "folder"],
)
def test_side_effect_fails_a_unit_test(act: Callable[[], Any]) -> None:
    with pytest.raises(SideEffect):
        act()


def test_reading_a_file_of_the_repository_is_allowed() -> None:
    assert Path(__file__).read_text()
