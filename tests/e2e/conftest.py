"""Fixtures of the e2e tests: a cluster of their own with the stores' images, and bots. A running demo is not used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev import cluster as clusters
from dev import images
from dev.cluster import Cluster
from dev.stack import Stack, remove_stores


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster `test` with the store images on its node; removed at the end unless KEEP_TEST_CLUSTER is set."""
    running = clusters.up("test")
    images.load_store_images(running)
    yield running
    if not os.environ.get("KEEP_TEST_CLUSTER"):
        running.down()


@pytest.fixture
def stack(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Starts a bot with its own local Slack. Keyword arguments are settings of the bot."""
    started: list[Stack] = []

    def start(**settings: str) -> Stack:
        one = Stack(tmp_path / f"stack{len(started)}", cluster, settings)
        started.append(one)  # before the start, so that a bot that started only in part is stopped too
        one.start()
        return one

    yield start
    for one in started:
        one.stop()
        remove_stores(cluster, one.folder, "--wait=false")
