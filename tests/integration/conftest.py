"""Fixtures of integration tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.slack import LocalSlack
from tests.integration.bot_harness import Bot, running_bot


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as workspace:
        yield workspace


@pytest.fixture
def bot(tmp_path: Path, slack: LocalSlack) -> Iterator[Bot]:
    with running_bot(tmp_path, slack) as running:
        yield running
