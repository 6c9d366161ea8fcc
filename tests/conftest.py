"""Fixtures that every kind of test may use."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from provisioner.domain.store import Addresses
from provisioner.ledger.ledger import Ledger

ROOT = Path(__file__).parents[1]
# Tests make and remove stores: never on a cluster that somebody named for something else.
os.environ.pop("KUBE_CONTEXT", None)
# The pinned helm, kubectl and node of dev/setup.sh, before any other of this machine.
os.environ["PATH"] = f"{ROOT / 'build/tools/bin'}:{os.environ['PATH']}"


# Without the quiet ones Chromium dials its maker at every start, which a test must not.
CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield running
        running.close()


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def write_kubeconfig(path: Path, server: str) -> Path:
    """A kubeconfig for the API at `server`, without any credentials."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {}}],
        "current-context": "c",
    }
    path.write_text(json.dumps(config))
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    """A real ledger on disk, with the standing clock."""
    opened = Ledger(tmp_path / "ledger.db", Addresses("localhost", port=8081), clock)
    yield opened
    opened.close()
