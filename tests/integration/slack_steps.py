"""Steps of people in Slack that several tests of the bot share."""

from __future__ import annotations

import re
from typing import Any

from dev.slack.delivery import Ack
from provisioner.domain.errors import Problem
from tests.integration.bot_harness import ADA, Bot

View = dict[str, Any]

PROBLEM = Problem(
    "The image storewright/medusa:0badc0ffee can't be pulled.",
    "No such image.",
    "Correct the tag, then retry.",
    "a log",
)


def ready_store(bot: Bot, name: str = "my-shop", user: str = "Dana") -> View:
    """Order a store and complete its creation; returns its root message."""
    assert bot.slack.command(user, "#stores", f"/store create {name}").ok
    bot.finish()
    return bot.root(f"*{name}* is ready")


def link_in_answer(bot: Bot, words: str, user: str) -> str:
    """The address of the link in the answer to `/store WORDS`."""
    answer = bot.slack.command(user, "#stores", f"/store {words}").json()["text"]
    found = re.search(r"<(http\S+?)\|", answer)
    assert found, answer
    return found.group(1)


def buttons(message: View) -> dict[str, View]:
    """The message's buttons and menus by action id."""
    found = [e for b in message["blocks"] if b["type"] == "actions" for e in b["elements"]]
    return {element["action_id"]: element for element in found}


def top_form(bot: Bot, user: str = "Dana") -> View:
    """The form on top of the person's screen, as soon as there is one."""
    return dict(bot.slack.wait_for(lambda: bot.slack.views(user), what="a form")[-1])


def create_form(bot: Bot, user: str = "Dana") -> View:
    assert bot.slack.command(user, "#stores", "/store create").ok
    return top_form(bot, user)


def open_menu(bot: Bot, message: View, user: str = "Dana") -> View:
    """Click “More …” in a message or an App Home; returns the menu."""
    opened = {view["id"] for view in bot.slack.views(user)}
    assert bot.slack.click(user, message, "menu").ok
    menu = bot.slack.wait_for(lambda: [v for v in bot.slack.views(user) if v["id"] not in opened], what="the menu")
    return dict(menu[-1])


def menu_items(bot: Bot, message: View, user: str = "Dana") -> set[str]:
    """The labels of the items in a message's menu."""
    items = [block for block in open_menu(bot, message, user)["blocks"] if "accessory" in block]
    return {item["accessory"]["text"]["text"] for item in items}


def choose(bot: Bot, message: View, label: str, user: str = "Dana") -> Ack:
    """Choose an item of a message's menu."""
    menu = open_menu(bot, message, user)
    [item] = [b["accessory"] for b in menu["blocks"] if b.get("accessory", {}).get("text", {}).get("text") == label]
    return bot.slack.click(user, menu, item["action_id"])


def delete_form(bot: Bot, root: View, user: str = "Dana") -> View:
    bot.slack.click(user, root, "delete")
    return top_form(bot, user)


def delete_without_notice(bot: Bot) -> None:
    """Delete the store while Slack still shows its old message."""
    bot.settled()
    bot.notifier.stop()
    bot.order_deletion(by=ADA)
    bot.finish()


def home(bot: Bot, text: str, user: str = "Dana") -> View:
    """The person's App Home as soon as it contains `text`."""

    def look() -> View | None:
        shown = bot.slack.home(user)
        return shown if shown and text in str(shown["blocks"]) else None

    return bot.slack.wait_for(look, what=f"{text!r} on {user}'s Home")
