"""Every command, button, menu item, mention and shortcut has the same answer over HTTP and in Socket Mode."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from bot.commands.registry import COMMANDS
from dev.slack import LocalSlack
from dev.slack.delivery import Ack
from tests.integration.bot_harness import Bot, running_bot
from tests.waiting import PATIENT_ACK_SECONDS

CREATE = "/store create my-shop medusa currency=usd"
CHANGING = re.compile(r"<!date[^>]*>|https?://[^|>\s]+|[0-9a-f]{8,}|\d+(\.\d+)?")  # in what two bots say
WAITING = "Reading the revisions"  # in a form that another one replaces
Bots = tuple[Bot, Bot]


@pytest.fixture
def bots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bots]:
    """A bot that Slack reaches over HTTP and one in Socket Mode, each with a store of Dana's."""
    with ExitStack() as opened:

        def start(*, socket: bool) -> Bot:
            slack = opened.enter_context(
                LocalSlack(socket_mode=socket, rate_limits={}, ack_seconds=PATIENT_ACK_SECONDS)
            )
            bot = opened.enter_context(running_bot(tmp_path_factory.mktemp("bot"), slack, socket=socket))
            slack.wait_for(lambda: slack.command("Dana", "#stores", "/store help").ok)
            assert slack.command("Dana", "#stores", CREATE).ok
            bot.finish()
            bot.root("is ready")
            return bot

        yield start(socket=False), start(socket=True)


def seen(bot: Bot, act: Callable[[], Ack]) -> str:
    """What Dana sees after she acts: the answer, a form, or a message for her alone; then it is all as before."""
    shown = len(bot.slack.ephemerals("Dana"))
    ack = act()
    assert ack.ok, ack

    def look() -> str:
        if WAITING in str(bot.slack.views("Dana")):
            return ""
        form = "".join(view["title"]["text"] + str(view["blocks"]) for view in bot.slack.views("Dana"))
        messages = "".join(message["text"] for message in bot.slack.ephemerals("Dana")[shown:])
        return form or messages

    answer = bot.slack.wait_for(look, what="an answer")
    while bot.slack.views("Dana"):
        bot.slack.close("Dana")
    while bot.queued_jobs():
        bot.finish()
    return CHANGING.sub("…", re.sub(r"'(block_id|value|view_id|hash)': '[^']*'", "", answer))


def buttons(blocks: list[dict[str, Any]]) -> list[str]:
    """The action ids of the buttons that are no links."""
    elements = [e for block in blocks for e in [*block.get("elements", []), block.get("accessory") or {}]]
    return [e["action_id"] for e in elements if e.get("type") == "button" and "url" not in e]


def newest(bot: Bot) -> dict[str, Any]:
    """The newest message with the store's menu, once no job is shown as running."""

    def look() -> dict[str, Any] | None:
        if bot.ledger.outbox.next_due_at():
            return None
        return next((m for m in reversed(bot.slack.messages("#stores")) if "menu" in buttons(m["blocks"])), None)

    return bot.slack.wait_for(look, what="a message with the menu")


def menu(bot: Bot) -> dict[str, Any]:
    """The open menu of the store."""
    bot.slack.click("Dana", newest(bot), "menu")
    found: dict[str, Any] = bot.slack.wait_for(lambda: bot.slack.views("Dana"))[-1]
    return found


def test_commands_have_the_same_answers_in_both_modes(bots: Bots) -> None:
    answers = []
    for bot in bots:
        found = {}
        for command in COMMANDS.values():
            typed = f"/store {command.example}".replace(CREATE, "/store create")  # the shop exists
            found[command.verb] = seen(bot, partial(bot.slack.command, "Dana", "#stores", typed))
        answers.append(found)
    over_http, by_socket = answers
    assert over_http == by_socket


def test_buttons_and_menu_items_have_the_same_answers_in_both_modes(bots: Bots) -> None:
    answers = []
    for bot in bots:
        offered = buttons(newest(bot)["blocks"])
        found = {item: seen(bot, partial(press, bot, item)) for item in offered}
        items = sorted(buttons(menu(bot)["blocks"]), key=lambda item: item == "pause")  # a store asleep has no menu
        bot.slack.close("Dana")
        found |= {item: seen(bot, partial(choose, bot, item)) for item in items}
        answers.append(found)
    over_http, by_socket = answers
    assert {"credentials", "delete", "menu", "pause", "clone"} <= set(over_http)
    assert over_http == by_socket


def press(bot: Bot, action: str) -> Ack:
    return bot.slack.click("Dana", newest(bot), action)


def choose(bot: Bot, item: str) -> Ack:
    return bot.slack.click("Dana", menu(bot), item)


def test_mentions_and_shortcuts_have_the_same_answers_in_both_modes(bots: Bots) -> None:
    answers = [(seen(bot, partial(mention, bot)), seen(bot, partial(use_shortcut, bot))) for bot in bots]
    assert answers[0] == answers[1]


def mention(bot: Bot) -> Ack:
    bot.slack.say("Dana", "#stores", "@Storewright status", thread_ts=newest(bot)["ts"])
    return Ack(200, "", 0.0)


def use_shortcut(bot: Bot) -> Ack:
    return bot.slack.shortcut("Dana", newest(bot), "logs")
