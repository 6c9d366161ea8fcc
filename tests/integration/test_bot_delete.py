"""Stores are deleted after a person typed their name, and old messages of deleted stores answer politely."""

from __future__ import annotations

import pytest

from tests.integration.bot_harness import ADA, Bot
from tests.integration.slack_steps import buttons, delete_form, delete_without_notice, ready_store, top_form


def test_delete_says_what_is_lost_asks_for_the_name_and_deletes(bot: Bot) -> None:
    form = delete_form(bot, ready_store(bot))
    assert "orders" in str(form["blocks"][0])
    assert bot.slack.submit("Dana", form, {"name": "my-shpo"}) == {
        "name": "That is not the store's name. Type my-shop exactly, or close this form to keep the store."
    }
    last = bot.ledger.jobs.last(bot.store().id)
    assert last is not None
    assert last.kind == "create"
    assert bot.slack.submit("Dana", form, {"name": "my-shop"}) is None
    bot.root("Deleting *my-shop*")
    bot.finish()
    bot.root("*my-shop* is deleted")
    gone = bot.root("*my-shop* was ready after")
    bot.slack.wait_for(lambda: "deleted it" in bot.root("*my-shop* was ready after")["text"])
    assert not buttons(gone)


def test_delete_command_opens_the_same_form(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store delete my-shop")
    assert bot.slack.submit("Dana", top_form(bot), {"name": "my-shop"}) is None
    bot.root("Deleting *my-shop*, ordered by")


def test_deletion_stops_a_running_creation(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    bot.work("namespace")
    form = delete_form(bot, bot.root("Creating *my-shop*"))
    bot.slack.submit("Dana", form, {"name": "my-shop"})
    stopped = bot.root("Stopped creating *my-shop*")
    bot.slack.wait_for(lambda: "Stopped. <@U0DANA001> is deleting it now." in str(bot.slack.thread(stopped)))


@pytest.mark.parametrize("action", ["delete", "credentials"])
def test_button_of_a_deleted_store_names_who_deleted_it_and_refreshes_its_message(bot: Bot, action: str) -> None:
    root = ready_store(bot)
    delete_without_notice(bot)
    assert bot.slack.click("Dana", root, action).ok
    bot.slack.wait_for(lambda: f"was already deleted by <@{ADA}>" in bot.whispered())
    assert bot.slack.views("Dana") == []
    assert "summary" in {entry.kind for entry in bot.ledger.outbox.due()}


def test_open_form_of_a_deleted_store_says_that_it_is_gone(bot: Bot) -> None:
    form = delete_form(bot, ready_store(bot))
    delete_without_notice(bot)
    bot.slack.submit("Dana", form, {"name": "my-shop"})
    assert f"*my-shop* was already deleted by <@{ADA}>" in str(bot.slack.views("Dana")[-1]["blocks"])


def test_replayed_submission_of_a_deletion_orders_nothing(bot: Bot) -> None:
    form = delete_form(bot, ready_store(bot))
    bot.slack.submit("Dana", form, {"name": "my-shop"})
    assert bot.slack.replay().ok
    assert bot.queued_jobs() == [("delete", 1)]
