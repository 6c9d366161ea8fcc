"""Steps of people in Slack that several tests of the bot share."""

from __future__ import annotations

import re
from typing import Any

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


def menu_items(message: View) -> dict[str, str]:
    """The values of the items in a message's overflow menu, by label."""
    menu = buttons(message).get("more", {"options": []})
    return {option["text"]["text"]: option["value"] for option in menu["options"]}


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
