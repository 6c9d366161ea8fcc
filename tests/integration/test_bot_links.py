"""The address of a store in somebody's message: a card shows its state, owner and expiry, and a button to wake it."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.domain.store import StoreStatus
from tests.integration.bot_harness import DANA, Bot
from tests.integration.slack_steps import ready_store


def cards(bot: Bot, text: str, channel: str = "#stores", count: int = 1) -> list[dict[str, Any]]:
    """The cards under Oli's message."""
    ts = bot.slack.say("Oli", channel, text)["ts"]

    def found() -> list[dict[str, Any]] | None:
        message = next(message for message in bot.slack.messages(channel) if message["ts"] == ts)
        shown: list[dict[str, Any]] = message.get("attachments", [])
        return shown if len(shown) == count else None

    return bot.slack.wait_for(found, what="the cards")


def test_card_shows_state_owner_and_expiry_and_nothing_private(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop for=3d")
    bot.finish()
    [card] = cards(bot, "look at http://my-shop.localhost:8081/products/1 please")
    text = card["blocks"][0]["text"]["text"]
    assert text.startswith(f":white_check_mark: *my-shop* · Medusa · ready · owned by <@{DANA}> · expires <!date^")
    assert len(card["blocks"]) == 1, "no buttons for everybody"


def test_sleeping_store_is_woken_from_its_card(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store pause my-shop")
    bot.finish()
    [card] = cards(bot, "http://my-shop.localhost:8081")
    assert ":zzz: *my-shop*" in str(card["blocks"])
    message = bot.slack.messages("#stores")[-1]
    assert bot.slack.click("Oli", message, "wake").ok
    bot.slack.wait_for(lambda: "Only its owner and admins may do that." in bot.whispered("Oli"), what="the refusal")
    assert bot.slack.click("Dana", message, "wake").ok
    bot.slack.wait_for(lambda: bot.queued_jobs() == [("wake", 1)], what="the order")


def test_each_store_has_its_card_once(bot: Bot) -> None:
    ready_store(bot)
    ready_store(bot, "bakery")
    both = "http://my-shop.localhost:8081 or http://bakery.localhost:8081/app , not http://no-shop.localhost:8081"
    assert len(cards(bot, both, count=2)) == 2


@pytest.mark.parametrize("trouble", ["unknown", "deleted", "refused", "elsewhere"])
def test_other_addresses_have_no_card(bot: Bot, trouble: str) -> None:
    ready_store(bot)
    if trouble == "deleted":
        bot.ledger.set_store_status(bot.store().id, StoreStatus.DELETED, by=DANA)
    if trouble == "refused":
        bot.slack.fault("error", "chat.unfurl", code="cannot_unfurl_url", times=0)
    name, channel = "no-shop" if trouble == "unknown" else "my-shop", "#random" if trouble == "elsewhere" else "#stores"
    before = len(bot.slack.deliveries())
    ts = bot.slack.say("Oli", channel, f"http://{name}.localhost:8081")["ts"]
    if trouble != "elsewhere":
        bot.slack.wait_for(lambda: len(bot.slack.deliveries()) > before, what="the event")
    message = next(message for message in bot.slack.messages(channel) if message["ts"] == ts)
    assert "attachments" not in message
    assert all("link" not in row["action"] for row in bot.audit())
