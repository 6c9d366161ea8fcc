"""Each next step in the bot's own answers is followed, and works."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from dev.slack import LocalSlack
from provisioner.domain.errors import Problem
from provisioner.domain.limits import Limits
from provisioner.logs import StoreLog
from tests.integration.bot_harness import Bot, running_bot
from tests.integration.slack_steps import PROBLEM, buttons, create_form, delete_form, ready_store, top_form
from tests.unit.sample_stores import BACKUPS


def answer(bot: Bot, typed: str, user: str = "Dana") -> str:
    return str(bot.answered(typed, user)["text"])


def tried(words: str) -> str:
    """The name that an answer suggests."""
    found = re.search(r"Try ([\w-]+)\.", words)
    assert found, words
    return found[1]


# --- commands that are not understood ----------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["/store xyzzy", "/store 🎉"])
def test_list_of_commands_and_help(bot: Bot, typed: str) -> None:
    words = answer(bot, typed)
    assert "/store help explains them." in words
    listed = re.search(r"The commands are (.+?)\.", words)
    assert listed
    shown = answer(bot, "/store help")
    assert all(f"`/store {verb}" in shown for verb in listed[1].split(", "))


@pytest.mark.parametrize(
    ("typed", "usage", "filled_in"),
    [
        ("/store delet my-shop", "/store delete NAME", "/store delete my-shop"),
        ("/store status", "/store status NAME", "/store status my-shop"),
        ("/store list now", "/store list", "/store list"),
        ("/store upgrade my-shop 2", "/store upgrade NAME", "/store upgrade my-shop"),
        ("/store create new-shop medusa now", "/store create NAME [TYPE]", "/store create new-shop medusa"),
        ("/store create new-shop color=red color=red", "[OPTION=CHOICE …]", "/store create new-shop plain color=red"),
    ],
)
def test_usage(bot: Bot, typed: str, usage: str, filled_in: str) -> None:
    ready_store(bot)
    assert usage in answer(bot, typed)
    ack = bot.slack.command("Dana", "#stores", filled_in)
    assert ack.ok
    assert "no_entry_sign" not in ack.body


def test_examples_of_the_help(bot: Bot) -> None:
    ready_store(bot)
    bot.ledger.store_backups.add(replace(BACKUPS[0], store_id=bot.store().id))
    bot.logs.append(StoreLog("application", "my-shop-1", "a line", ()))
    shown = answer(bot, "/store help")
    for example in re.findall(r"`(/store [^`]+)`", shown):
        ack = bot.slack.command("Dana", "#stores", example.replace("create my-shop", "create new-shop"))
        assert ack.ok, example
        expected = (
            "There is already a store",
            "already being created",
            "nothing to retry",
            "nothing to cancel",
            "right now",
            "is not deleted",
            "It never expires",
        )
        refused = "no_entry_sign" in ack.body
        assert not refused or any(reason in ack.body for reason in expected), f"{example}: {ack.body}"


# --- names, types and options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "My Shop",
        "xn--abc",
        "admin",
        "wpad",
        "true",
        "shop_1",
        "-shop-",
        "9lives",
        "a" * 40,
        "my-shop.localhost",
        "café",
    ],
)
def test_suggested_name(bot: Bot, name: str) -> None:
    form = create_form(bot)
    [words] = (bot.slack.submit("Dana", form, {"name": name}) or {}).values()
    assert bot.slack.submit("Dana", form, {"name": tried(words)}) is None
    bot.root(f"Creating *{tried(words)}*")


@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("/store create my-shop meduza", "/store create my-shop {}"),
        ("/store create my-shop currency=uds", "/store create my-shop currency={}"),
        ("/store create my-shop curency=usd", "/store create my-shop {}=usd"),
    ],
)
def test_suggested_type_option_and_choice(bot: Bot, typed: str, corrected: str) -> None:
    meant = re.search(r"Did you mean (\S+)\?", answer(bot, typed))
    assert meant
    assert "Creating *my-shop*" in answer(bot, corrected.format(meant[1]))


def test_another_name(bot: Bot) -> None:
    ready_store(bot)
    assert "Choose another name." in answer(bot, "/store create my-shop")
    assert "Creating *my-other-shop*" in answer(bot, "/store create my-other-shop")


def test_suggested_store_and_list(bot: Bot) -> None:
    ready_store(bot)
    assert "Did you mean my-shop?" in answer(bot, "/store status my-shpo")
    assert "*my-shop* is ready" in answer(bot, "/store status my-shop")
    assert "/store list shows all stores." in answer(bot, "/store status zzzzz")
    assert "my-shop" in answer(bot, "/store list")


def test_first_store(bot: Bot) -> None:
    assert "`/store create my-shop`" in answer(bot, "/store list")
    assert "Creating *my-shop*" in answer(bot, "/store create my-shop")


# --- busy and failed stores --------------------------------------------------------------------------------------


def test_waiting_until_a_job_is_done(bot: Bot) -> None:
    ready_store(bot)
    answer(bot, "/store upgrade my-shop")
    assert "Wait until that is done." in answer(bot, "/store restart my-shop")
    bot.finish()
    assert "Restarting *my-shop*" in answer(bot, "/store restart my-shop")


def test_ordering_again_after_the_deletion(bot: Bot) -> None:
    ready_store(bot)
    bot.order_deletion()
    assert "Order it again when it is gone." in answer(bot, "/store create my-shop")
    bot.finish()
    assert "Creating *my-shop*" in answer(bot, "/store create my-shop")


@pytest.mark.parametrize("step", ["retry", "delete"])
def test_retrying_or_deleting_a_failed_store(bot: Bot, step: str) -> None:
    answer(bot, "/store create my-shop")
    bot.fail(PROBLEM)
    assert "Retry or delete it first (/store status my-shop)." in answer(bot, "/store restart my-shop")
    shown = bot.slack.command("Dana", "#stores", "/store status my-shop").json()
    assert {"retry", "delete"} <= set(buttons(shown))
    assert bot.slack.click("Dana", bot.slack.ephemerals("Dana")[-1], step).ok
    if step == "retry":
        bot.slack.wait_for(lambda: bot.queued_jobs() == [("create", 1)])
        bot.finish()
        assert "Restarting *my-shop*" in answer(bot, "/store restart my-shop")
    else:
        assert bot.slack.submit("Dana", top_form(bot), {"name": "my-shop"}) is None
        bot.finish()
        assert "Creating *my-shop*" in answer(bot, "/store create my-shop")


def test_asking_the_owner_or_an_admin(bot: Bot) -> None:
    ready_store(bot)
    words = answer(bot, "/store restart my-shop", "Oli")
    assert "belongs to <@U0DANA001>. Only its owner and admins may do that." in words
    assert "Restarting *my-shop*" in answer(bot, "/store restart my-shop", "Ada")


def test_typing_the_name_to_delete(bot: Bot) -> None:
    form = delete_form(bot, ready_store(bot))
    [words] = (bot.slack.submit("Dana", form, {"name": "shop"}) or {}).values()
    assert "Type my-shop exactly" in words
    assert bot.slack.submit("Dana", form, {"name": "my-shop"}) is None


# --- limits ------------------------------------------------------------------------------------------------------


def test_deleting_a_store_at_the_limit(tmp_path: Path, slack: LocalSlack) -> None:
    with running_bot(tmp_path, slack, limits=Limits(1, 20)) as bot:
        ready_store(bot)
        words = answer(bot, "/store create new-shop")
        assert "Delete a store you no longer need (/store list shows them)." in words
        assert "my-shop" in answer(bot, "/store list")
        assert bot.slack.command("Dana", "#stores", "/store delete my-shop").ok
        assert bot.slack.submit("Dana", top_form(bot), {"name": "my-shop"}) is None
        assert "Creating *new-shop*" in answer(bot, "/store create new-shop")


def test_ordering_after_the_stated_time(tmp_path: Path, slack: LocalSlack) -> None:
    with running_bot(tmp_path, slack, limits=Limits(20, 1)) as bot:
        answer(bot, "/store create my-shop")
        minutes = re.search(r"You can order the next one in (\d+) min\.", answer(bot, "/store create new-shop"))
        assert minutes
        bot.clock.ahead += 60 * int(minutes[1])
        assert "Creating *new-shop*" in answer(bot, "/store create new-shop")


# --- credentials -------------------------------------------------------------------------------------------------


def test_credentials_when_the_message_shows_that_it_is_ready(bot: Bot) -> None:
    answer(bot, "/store create my-shop")
    assert "Its message shows when it is ready." in answer(bot, "/store credentials my-shop")
    bot.finish()
    ready = bot.root("*my-shop* is ready")
    assert bot.slack.click("Dana", ready, "credentials").ok
    bot.slack.wait_for(lambda: "/s/" in bot.whispered())


def test_another_link_by_clicking_again(bot: Bot) -> None:
    ready = ready_store(bot)
    assert bot.slack.click("Dana", ready, "credentials").ok
    first = bot.slack.wait_for(lambda: bot.whispered() if "/s/" in bot.whispered() else None)
    assert bot.slack.replay().ok
    bot.slack.wait_for(lambda: "For another one, click *Get admin credentials* again." in bot.whispered())
    assert bot.slack.click("Dana", ready, "credentials").ok
    bot.slack.wait_for(lambda: "/s/" in bot.whispered() and bot.whispered() != first)


@pytest.mark.parametrize("trouble", ["used", "expired", "revoked", "mistyped"])
def test_new_link_with_the_button(bot: Bot, browser: Browser, trouble: str) -> None:
    """The credential page's own next step."""
    ready = ready_store(bot)

    def link() -> str:
        before = bot.whispered()
        assert bot.slack.click("Dana", ready, "credentials").ok
        shown = bot.slack.wait_for(lambda: bot.whispered() if bot.whispered() != before else None)
        return re.search(r"<(http[^|]+)\|", shown)[1]  # type: ignore[index]

    first = link()
    if trouble == "used":
        assert "correct-horse" in revealed(browser, first)
    elif trouble == "expired":
        bot.clock.ahead += 16 * 60
    elif trouble == "revoked":
        link()
    shown = revealed(browser, first[:-1] if trouble == "mistyped" else first)
    assert "correct-horse" not in shown
    assert "Get a new one in Slack with the button “Get admin credentials”." in shown
    assert "correct-horse" in revealed(browser, link())


def revealed(browser: Browser, url: str) -> str:
    """The text of the credential page after its button was clicked."""
    page = browser.new_page()
    page.goto(url)
    page.get_by_role("button").first.click()
    expect(page.locator("body")).to_contain_text(re.compile("correct-horse|Get a new one"))
    shown = page.inner_text("body")
    page.close()
    return shown


# --- other troubles ----------------------------------------------------------------------------------------------


def test_trying_again_when_slack_did_not_open_the_form(bot: Bot) -> None:
    bot.slack.fault("error", "views.open", code="expired_trigger_id")
    assert bot.slack.command("Dana", "#stores", "/store create").ok
    bot.slack.wait_for(lambda: "Slack did not open the form" in bot.whispered())
    create_form(bot)


def test_choosing_the_type_again_when_slack_did_not_change_the_form(bot: Bot) -> None:
    form = create_form(bot)
    bot.slack.fault("error", "views.update", code="internal_error")
    assert bot.slack.click("Dana", form, "type", "plain").ok
    bot.slack.wait_for(lambda: "Choose the type again" in bot.whispered())
    assert bot.slack.click("Dana", form, "type", "plain").ok
    bot.slack.wait_for(lambda: bot.slack.views("Dana")[-1]["hash"] != form["hash"])


def test_trying_again_after_an_unexpected_error(bot: Bot) -> None:
    addresses: Any = bot.orders.addresses
    bot.orders.addresses = None  # type: ignore[assignment]
    assert "Try again; if it happens again, give an administrator this id:" in answer(bot, "/store create my-shop")
    bot.orders.addresses = addresses
    assert "Creating *my-shop*" in answer(bot, "/store create my-shop")


def test_list_after_a_click_on_an_outdated_message(bot: Bot) -> None:
    ready_store(bot)
    assert "my-shop" in answer(bot, "/store list"), "“Type `/store list` to go on.”"


def test_status_named_in_a_report_of_refused_messages(bot: Bot) -> None:
    job = bot.order()
    bot.root("Creating *my-shop*")
    bot.settled()
    bot.slack.fault("error", "chat.postMessage", code="no_text", times=0, channel="C0STORES1")
    bot.work("namespace")

    def reported() -> str:
        bot.clock.ahead += 60
        bot.notifier.wake()
        return next((m["text"] for m in bot.slack.messages("#store-failures") if "`no_text`" in m["text"]), "")

    words = bot.slack.wait_for(reported, what="the report")
    command = re.search(r"`(/store status [\w-]+)`", words)
    assert command
    assert f"Creating *{job.store}*" in answer(bot, command[1])


def test_retry_after_a_failed_job(bot: Bot) -> None:
    answer(bot, "/store create my-shop")
    bot.fail(Problem("The image can't be pulled.", "", "Correct the tag, then retry."))
    bot.root("could not be created")
    assert "Trying *my-shop* again" in answer(bot, "/store retry my-shop")
