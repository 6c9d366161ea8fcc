"""Socket Mode of the local Slack, with a real Bolt app."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect as websocket

from dev.slack import LocalSlack
from tests.integration.sample_bot import SampleBot


@pytest.fixture
def connect() -> Iterator[Callable[[LocalSlack], SampleBot]]:
    """A function that connects a new sample bot through Socket Mode."""
    open_handlers: list[SocketModeHandler] = []

    def start(slack: LocalSlack) -> SampleBot:
        bot = SampleBot(slack)
        handler = SocketModeHandler(bot.app, slack.app_token)
        handler.connect()  # type: ignore[no-untyped-call]
        open_handlers.append(handler)
        return bot

    yield start
    for handler in open_handlers:
        handler.close()  # type: ignore[no-untyped-call]


def test_commands_forms_and_home_work_through_socket_mode(connect: Callable[[LocalSlack], SampleBot]) -> None:
    with LocalSlack(socket_mode=True) as slack:
        assert slack.command("Dana", "#stores", "/store list").error == "dispatch_failed"  # no connection yet
        bot = connect(slack)
        assert slack.command("Dana", "#stores", "/store list").ok
        assert slack.ephemerals("Dana")[-1]["text"] == "You said list"
        slack.command("Dana", "#stores", "/store buttons")
        message = slack.wait_for(lambda: slack.messages("#stores"))[-1]
        assert slack.click("Dana", message, "open").ok
        view = slack.views("Dana")[-1]
        assert slack.submit("Dana", view, {"name": "bad"}) == {"name": "Not a good name"}
        assert slack.submit("Dana", view, {"name": "good"}) is None
        slack.open_home("Dana")
        assert slack.wait_for(lambda: slack.home("Dana"))
        assert len(bot.bodies("command")) == 2


def test_each_delivery_goes_to_one_of_several_connections(connect: Callable[[LocalSlack], SampleBot]) -> None:
    with LocalSlack(socket_mode=True) as slack:
        bots = [connect(slack), connect(slack)]
        for number in range(4):
            assert slack.command("Dana", "#stores", f"/store {number}").ok
        assert [len(bot.bodies("command")) for bot in bots] == [2, 2]


def test_disconnected_bot_reconnects(connect: Callable[[LocalSlack], SampleBot]) -> None:
    with LocalSlack(socket_mode=True) as slack:
        bot = connect(slack)
        assert slack.disconnect() == 1
        slack.wait_for(lambda: slack.command("Dana", "#stores", "/store list").ok, timeout=15)
        assert bot.bodies("command")


def test_eleventh_connection_and_used_ticket_are_refused() -> None:
    with LocalSlack(socket_mode=True, rate_limits={}) as slack, ExitStack() as stack:
        web = WebClient(token=slack.app_token, base_url=slack.api_url)
        urls = [str(web.api_call("apps.connections.open")["url"]) for _ in range(11)]
        greetings = [json.loads(stack.enter_context(websocket(url)).recv(timeout=3)) for url in urls]
        assert [g["type"] for g in greetings] == ["hello"] * 10 + ["disconnect"]
        assert (greetings[9]["num_connections"], greetings[10]["reason"]) == (10, "too_many_websockets")
        with pytest.raises(InvalidStatus), websocket(urls[0]):
            pass
