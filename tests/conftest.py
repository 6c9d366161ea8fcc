"""Fixtures for all tests."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from provisioner.ledger.ledger import Ledger
from tests import workers
from tests.ledgers import SampleOrders, exclusive_ledger

ROOT = Path(__file__).parents[1]
# Tests create and delete stores: never on a cluster that KUBE_CONTEXT names for another purpose.
os.environ.pop("KUBE_CONTEXT", None)
# The pinned helm, kubectl and node of dev/setup.sh come before the machine's own.
os.environ["PATH"] = f"{ROOT / 'build/tools/bin'}:{os.environ['PATH']}"
os.environ["GOGC"] = "400"  # helm and kubectl end before they need to collect garbage
# Without kept bytecode each of the many processes compiles 1,300 modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

CHROMIUM = Path("/usr/bin/chromium-headless-shell")  # takes two thirds of the processor time of the whole browser
# Without these flags Chromium connects to its maker at every start.
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(workers)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=30_000)  # a busy machine is slow
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """The root logger as it was: a command or a bot that runs in the tests' process sets it."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


class Clock:
    """A clock that shows `now` until the test sets it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def write_kubeconfig(path: Path, server: str) -> Path:
    """A kubeconfig without credentials for the API at `server`."""
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
    """A ledger on disk, open for exclusive use, with the standing clock."""
    with exclusive_ledger(tmp_path / "ledger.db", clock) as opened:
        yield opened


@pytest.fixture
def orders(ledger: Ledger) -> SampleOrders:
    """Orders on `ledger`, without limits."""
    return SampleOrders(ledger)
