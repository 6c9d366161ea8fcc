"""A node is known by its whole command line, never by a number that another process may get."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.cluster.layout import Site
from dev.cluster.node import PAUSE, Node


@contextmanager
def process(folder: Path, *argv: str) -> Iterator[int]:
    """A real process with that command line: a shell that runs the script named by its first argument."""
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
def site(tmp_path: Path) -> Site:
    return Site("unit", tmp_path, 99, 65000)


def test_node_is_found_by_its_exact_command_line(site: Site, tmp_path: Path) -> None:
    with process(tmp_path, PAUSE, "storewright", site.id) as pid:
        assert Node(site).pid() == pid
        assert os.getpid() in {found.pid for found in Node(site).processes()}
    assert Node(site).pid() is None


def test_no_other_process_is_taken_for_it(site: Site, tmp_path: Path) -> None:
    with (
        process(tmp_path, PAUSE, "storewright", f"{site.id}0"),
        process(tmp_path, PAUSE, "storewright", site.id, "more"),
        process(tmp_path, "pause", "storewright", site.id),
    ):
        assert Node(site).pid() is None
        assert Node(site).processes() == []
