"""App Home, stores that were adopted from the cluster, and channels in which the bot may not post."""

from __future__ import annotations

from dataclasses import replace

from tests.integration.bot_harness import RANDOM, Bot
from tests.integration.slack_steps import PROBLEM, buttons, delete_without_notice, home, ready_store, top_form


def test_messages_move_to_direct_messages_where_the_bot_may_not_post(bot: Bot) -> None:
    bot.slack.command("Dana", "#random", "/store create my-shop")
    bot.slack.wait_for(lambda: "so follow *my-shop* in" in bot.whispered(), what="the whisper about the move")
    bot.finish()
    bot.slack.wait_for(lambda: "*my-shop* is ready" in str(bot.slack.dms("Dana")))
    bot.settled()
    assert f"I'm not allowed to post in <#{RANDOM}>" in str(bot.slack.dms("Dana"))
    assert "Namespace created" in str(bot.slack.dms("Dana")), "the thread moved along"
    assert bot.slack.messages("#random") == []


def test_adopted_store_has_buttons_without_a_job(bot: Bot) -> None:
    ready_store(bot)
    found = replace(bot.store(), id="found", name="found-shop", options={"currency": "usd"})
    assert bot.ledger.stores.adopt(found)
    shown = bot.slack.command("Dana", "#stores", "/store status found-shop").json()
    assert "*found-shop* · Medusa · US dollar · ready" in shown["text"]
    assert {"open_shop", "open_admin", "credentials", "delete", "menu"} == set(buttons(shown))
    whisper = bot.slack.ephemerals("Dana", "#stores")[-1]
    bot.slack.click("Dana", whisper, "delete")
    assert bot.slack.submit("Dana", top_form(bot), {"name": "found-shop"}) is None
    bot.root("Deleting *found-shop*")


def test_home_starts_empty_and_is_kept_up_to_date(bot: Bot) -> None:
    bot.slack.open_home("Dana")
    empty = home(bot, "You have no stores yet")
    bot.slack.click("Dana", empty, "create")
    assert bot.slack.submit("Dana", top_form(bot), {"name": "my-shop", "type": "medusa"}) is None
    home(bot, "creating")
    bot.slack.wait_for(lambda: "Creating *my-shop*" in str(bot.slack.dms("Dana")), what="the root in the DM")
    bot.fail(PROBLEM)
    shown = home(bot, "can't be pulled")
    bot.slack.click("Dana", shown, "retry")
    bot.finish()
    home(bot, "http://my-shop.localhost:8081")
    home(bot, "1 of 10 stores used · 9 left")


def test_home_buttons_answer_in_a_form_of_their_own(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.open_home("Dana")
    shown = home(bot, "my-shop")
    bot.slack.click("Dana", shown, "credentials")
    assert "/s/" in str(top_form(bot)["blocks"])
    bot.slack.close("Dana")
    delete_without_notice(bot)
    bot.slack.click("Dana", shown, "delete")
    assert "was already deleted" in str(top_form(bot)["blocks"])
