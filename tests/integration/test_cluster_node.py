"""A node is found by its whole command line."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.cluster.layout import Layout
from dev.cluster.node import PAUSE, Node


@contextmanager
def process(folder: Path, *argv: str) -> Iterator[int]:
    """A real process with that command line.

    It is a shell, which runs a script named like the first argument."""
    (folder / argv[1]).write_text("echo up; read -r _")
    running = subprocess.Popen(
        argv, executable="/bin/sh", cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout
    running.stdout.readline()
    try:
        yield running.pid
    finally:
        running.communicate("go\n")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout("unit", tmp_path, 99, 65000)


def test_node_is_found_by_its_exact_command_line(layout: Layout, tmp_path: Path) -> None:
    with process(tmp_path, PAUSE, "storewright", layout.id) as pid:
        assert Node(layout).pid() == pid
        assert os.getpid() in {found.pid for found in Node(layout).processes()}
    assert Node(layout).pid() is None


def test_processes_with_similar_command_lines_are_not_the_node(layout: Layout, tmp_path: Path) -> None:
    with (
        process(tmp_path, PAUSE, "storewright", f"{layout.id}0"),
        process(tmp_path, PAUSE, "storewright", layout.id, "more"),
        process(tmp_path, "pause", "storewright", layout.id),
    ):
        assert Node(layout).pid() is None
        assert Node(layout).processes() == []
