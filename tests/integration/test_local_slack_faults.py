"""Faults of the local Slack, and the refusals of its control API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.client import IncompleteRead
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from dev import local_http
from dev.slack import LocalSlack, LocalSlackError
from tests.integration.sample_bot import SampleBot, section

Json = dict[str, Any]


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(rate_limits={}) as running:
        yield running


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ({"kind": "ratelimited", "seconds": 7}, 429, "ratelimited"),
        ({"kind": "error", "code": "channel_not_found"}, 200, "channel_not_found"),
        ({"kind": "server_error"}, 500, "fatal_error"),
        ({"kind": "invalid_blocks", "block_types": ["section"]}, 200, "invalid_blocks"),
    ],
)
def test_scheduled_fault_applies_the_given_number_of_times(
    slack: LocalSlack, fault: Json, status: int, error: str
) -> None:
    web = SampleBot(slack).client
    slack.fault(method="chat.postMessage", times=2, **fault)
    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            web.chat_postMessage(channel="#stores", text="x", blocks=[section()])
        assert (caught.value.response.status_code, caught.value.response["error"]) == (status, error)
        assert caught.value.response.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert slack.messages("#stores") == []
    assert web.chat_postMessage(channel="#stores", text="x", blocks=[section()])["ok"]


def test_invalid_blocks_fault_refuses_only_the_given_block_types(slack: LocalSlack) -> None:
    web = SampleBot(slack).client
    slack.fault("invalid_blocks", times=0, block_types=["plan", "task_card"])
    task = {"type": "task_card", "task_id": "1", "title": "x", "status": "pending"}
    plan = {"type": "plan", "title": "x", "tasks": [task]}
    for _ in range(2):
        with pytest.raises(SlackApiError, match="invalid_blocks"):
            web.chat_postMessage(channel="#stores", text="x", blocks=[plan])
        assert web.chat_postMessage(channel="#stores", text="x", blocks=[section()])["ok"]
    slack.clear_faults()
    assert web.chat_postMessage(channel="#stores", text="x", blocks=[plan])["ok"]


def test_drop_response_fault_still_posts_the_message(slack: LocalSlack) -> None:
    web = SampleBot(slack).client
    slack.fault("drop_response", method="chat.postMessage")
    with pytest.raises(IncompleteRead):
        web.chat_postMessage(channel="#stores", text="once")
    assert [m["text"] for m in slack.messages("#stores")] == ["once"]


def test_hang_and_latency_faults_delay_the_answer(slack: LocalSlack) -> None:
    web = SampleBot(slack).client
    slack.fault("hang", method="chat.postMessage", seconds=0.3)
    start = time.monotonic()
    web.chat_postMessage(channel="#stores", text="x")
    assert time.monotonic() - start >= 0.3
    slack.fault("latency", method="auth.test", seconds=0.3)
    start = time.monotonic()
    web.auth_test()
    assert time.monotonic() - start >= 0.3


def test_control_api_refuses_unknown_faults_unknown_actions_and_other_origins(slack: LocalSlack) -> None:
    with pytest.raises(LocalSlackError, match="Unknown fault kind 'earthquake'"):
        slack.fault("earthquake")
    assert local_http.post(f"{slack.workspace_url}/dev/dance", json={}).status_code == 404
    cross_site = {"Origin": "http://evil.example"}
    assert local_http.post(f"{slack.workspace_url}/dev/clear_faults", json={}, headers=cross_site).status_code == 403
