"""Fixtures of the e2e tests: a cluster of their own with the stores' images, and bots. A running demo is not used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from dev import images
from dev.cluster import Cluster
from dev.cluster.layout import locked
from dev.stack import Stack, remove_stores
from tests import workers
from tests.e2e.backup_server import BackupServer
from tests.e2e.bot_release import BotRelease, bot_release
from tests.waiting import PATIENT_ACK_SECONDS


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster `test` with the store images on its node, and a backup server."""
    with locked(workers.run_folder()):  # two workers would load each image twice
        running = workers.start_cluster()
        images.load_store_images(running)
    BackupServer(running).start()
    return running


@contextmanager
def stacks(cluster: Cluster, folder: Path) -> Iterator[Callable[..., Stack]]:
    """Starts bots, each with its own local Slack. Keyword arguments are settings of the bot, or `python` of the Stack.

    They have no backup server, so that their deletions make no last backup."""
    started: list[Stack] = []

    def start(python: Sequence[str] = Stack.python, **settings: str) -> Stack:
        settings = {"UNDELETE_DAYS": "0", **settings}
        place = folder / f"stack{len(started)}"
        one = Stack(place, cluster, settings, workers.PORT_OFFSET, python, ack_seconds=PATIENT_ACK_SECONDS)
        started.append(one)  # before the start, so that a bot that started only in part is stopped too
        one.start()
        return one

    try:
        yield start
    finally:
        for one in started:
            one.stop()
            remove_stores(cluster, one.folder, "--wait=false")


@pytest.fixture
def stack(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Starts bots that end with the test, as `stacks` does."""
    with stacks(cluster, tmp_path) as start:
        yield start


@pytest.fixture
def prepare_release(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., BotRelease]]:
    """Prepares releases, as `bot_release` does."""
    with ExitStack() as opened:
        yield lambda mode, **options: opened.enter_context(bot_release(cluster, tmp_path, mode, **options))


@pytest.fixture(scope="module")
def module_stack(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stack]]:
    """Starts bots that the tests of a module share, as `stacks` does."""
    with stacks(cluster, tmp_path_factory.mktemp("stack")) as start:
        yield start
