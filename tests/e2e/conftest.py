"""Fixtures of the e2e tests: a cluster of their own with the stores' images, and bots. A running demo is not used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev import images
from dev.cluster import Cluster
from dev.cluster.layout import locked
from dev.stack import Stack, remove_stores
from tests import workers


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster `test` with the store images on its node."""
    with locked(workers.run_folder()):  # two workers would load each image twice
        running = workers.start_cluster()
        images.load_store_images(running)
    return running


@pytest.fixture
def stack(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Starts a bot with its own local Slack. Keyword arguments are settings of the bot."""
    started: list[Stack] = []

    def start(**settings: str) -> Stack:
        one = Stack(tmp_path / f"stack{len(started)}", cluster, settings, workers.PORT_OFFSET)
        started.append(one)  # before the start, so that a bot that started only in part is stopped too
        one.start()
        return one

    yield start
    for one in started:
        one.stop()
        remove_stores(cluster, one.folder, "--wait=false")
