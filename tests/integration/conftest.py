"""Fixtures of integration tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.slack.rate_limiter import RATES
from dev.slack import LocalSlack
from tests.integration.bot_harness import Bot, running_bot
from tests.waiting import PATIENT_ACK_SECONDS


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(rate_limits={}, ack_seconds=PATIENT_ACK_SECONDS) as workspace:
        yield workspace


@pytest.fixture
def paced_bot(tmp_path: Path) -> Iterator[Bot]:
    """A bot that keeps Slack's pace, with a local Slack that has Slack's rate limits."""
    with LocalSlack() as workspace, running_bot(tmp_path, workspace, rates=RATES) as running:
        yield running


@pytest.fixture
def bot(tmp_path: Path, slack: LocalSlack) -> Iterator[Bot]:
    with running_bot(tmp_path, slack) as running:
        yield running
