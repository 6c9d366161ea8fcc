"""Settings of a store: by the command, in a form that shows how they are, and refused before any job is made."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from provisioner.domain.errors import Problem
from provisioner.domain.store import StoreStatus
from tests.integration.bot_harness import DANA, Bot
from tests.integration.slack_steps import buttons, choose, menu_items, ready_store, top_form

OCEAN, FOREST = "#1f5f8b", "#2f6f4f"
CRASH = Problem("The application of my-shop keeps crashing.", "Out of memory.", "Set more memory.", "a log")


def typed(bot: Bot, words: str = "", user: str = "Dana") -> str:
    """The answer to a typed command."""
    return str(bot.slack.command(user, "#stores", f"/store set my-shop {words}".strip()).json().get("text", ""))


def inputs(form: dict[str, Any]) -> dict[str, str]:
    """What the form shows, by label."""
    return {
        block["label"]["text"]: element.get("initial_option", {}).get("value", element.get("initial_value", ""))
        for block in form["blocks"]
        if block["type"] == "input"
        for element in [block["element"]]
    }


def apply(bot: Bot) -> None:
    """Let the next change succeed."""
    job = bot.work("inspect", "release", "database", "application", "storefront", "check")
    bot.journal.succeed(job, options=bot.store().options | job.arguments)


# --- the command ---------------------------------------------------------------------------------------------------


def test_change_is_in_the_ledger_once_it_has_succeeded(bot: Bot) -> None:
    ready = ready_store(bot)
    assert typed(bot, "color=ocean replicas=1") == (
        "Changing *my-shop*: `color=#1f5f8b`. If anything fails, I restore it as it was. I'll post the progress here."
    )
    working = bot.root(f"Changing *my-shop*: `color=#1f5f8b`, ordered by <@{DANA}>")
    assert bot.store().options == {"currency": "eur", "color": FOREST}, "only success changes the ledger"
    assert bot.root("changed its settings later")["ts"] == ready["ts"]
    apply(bot)
    done = bot.root("*my-shop* has `color=#1f5f8b` after")
    assert done["ts"] == working["ts"]
    bot.slack.wait_for(lambda: "Settings applied" in str(bot.slack.thread(done)))
    assert bot.store().options == {"currency": "eur", "color": OCEAN}
    assert "Ocean" in str(done["blocks"]), "the store's choices are shown as they are now"


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("colour=ocean", "There is no setting “colour”. What can be set: color, logo, replicas. Did you mean color?"),
        ("currency=usd", "The currency is chosen when a store is ordered, and stays. What can be set: color, logo"),
        ("color=oceann", "“oceann” is not a valid colour. Choose from: Forest, Ocean. Did you mean Ocean?"),
        ("logo=ftp://x/y", "“ftp://x/y” is not a valid logo. An address that begins with https://."),
        ("replicas=9", "“9” is not a valid replicas. A number from 1 to 3."),
        ("replicas=two", "“two” is not a valid replicas. A number from 1 to 3."),
        ("replicas=2 color=ocean", "The chart refuses these settings together. store.color: "),
        ("color=forest", "There is nothing to change: my-shop has these settings."),
        ("color=#2f6f4f replicas=1 logo=", "There is nothing to change: my-shop has these settings."),
        ("logo=https://x" + "y" * 2000, "The logo is too long. It may have 2000 characters."),
        ("ocean", "I didn't expect “ocean” here. Usage: /store set NAME [KEY=VALUE …]"),
        ("color=ocean color=forest", "“color” is chosen twice."),
    ],
)
def test_unusable_change_is_refused_and_makes_no_job(bot: Bot, words: str, answer: str) -> None:
    ready_store(bot)
    assert answer in typed(bot, words)
    assert bot.queued_jobs() == []


def test_value_may_be_an_address_which_slack_makes_a_link(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "logo=https://example.com/logo.svg")
    assert bot.claim().arguments == {"logo": "https://example.com/logo.svg"}


def test_store_of_an_older_version_is_upgraded_first(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    bot.finish("0.9.0")
    refusal = "my-shop runs version 0.9.0 of its chart, and its settings come with version 1.0.0. Upgrade it first: "
    assert f"{refusal}/store upgrade my-shop" in typed(bot, "color=ocean")
    bot.slack.command("Dana", "#stores", "/store upgrade my-shop")
    bot.finish()
    assert "Changing *my-shop*" in typed(bot, "color=ocean")


def test_sleeping_store_is_woken_first(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store pause my-shop")
    bot.finish()
    assert "my-shop is asleep, so it can't be changed now. Wake it first: /store wake my-shop" in typed(
        bot, "color=ocean"
    )


def test_only_owner_and_admins_change_settings(bot: Bot) -> None:
    ready_store(bot)
    assert f"*my-shop* belongs to <@{DANA}>. Only its owner and admins may do that." in typed(bot, "color=ocean", "Oli")
    assert "Changing *my-shop*" in typed(bot, "color=ocean", "Ada")


def test_failed_change_leaves_the_ledger_and_its_retry_tries_the_same(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "color=ocean")
    bot.work("inspect", "release")
    job = bot.ledger.jobs.live(bot.store().id)
    assert job
    bot.complete(job, "rollback")
    bot.journal.fail(job, CRASH, store_unchanged=True)
    failed = bot.root("*my-shop* could not be changed. It has its former settings again; nothing was lost.")
    assert bot.store().status == StoreStatus.READY
    assert bot.store().options["color"] == FOREST
    assert bot.slack.click("Dana", failed, "retry").ok
    bot.root("A later job followed")
    assert bot.claim().arguments == {"color": OCEAN}


# --- the form ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["command", "menu"])
def test_form_shows_the_settings_as_they_are_and_changes_what_differs(bot: Bot, door: str) -> None:
    ready = ready_store(bot)
    if door == "menu":
        assert choose(bot, ready, "Settings").ok
        bot.slack.wait_for(lambda: top_form(bot)["callback_id"] == "settings")
    else:
        bot.slack.command("Dana", "#stores", "/store set my-shop")
    form = top_form(bot)
    assert inputs(form) == {"Colour": FOREST, "Logo": "", "Replicas": "1"}
    assert bot.slack.submit("Dana", form, {"Colour": OCEAN}) is None
    assert bot.slack.views("Dana") == [], "the menu is closed, too"
    bot.root("Changing *my-shop*: `color=#1f5f8b`")
    apply(bot)
    bot.root("*my-shop* has `color=#1f5f8b` after")
    bot.slack.command("Dana", "#stores", "/store set my-shop")
    assert inputs(top_form(bot))["Colour"] == OCEAN


def test_form_names_the_field_that_is_wrong_and_keeps_the_rest(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store set my-shop")
    form = top_form(bot)
    errors: Any = bot.slack.submit("Dana", form, {"Colour": OCEAN, "Replicas": "7"})
    assert errors == {"option/replicas": "“7” is not a valid replicas. A number from 1 to 3."}
    assert bot.queued_jobs() == []
    assert bot.slack.submit("Dana", form, {"Colour": FOREST, "Replicas": "3"}) is None
    assert bot.claim().arguments == {"replicas": "3"}


def test_form_without_a_change_orders_nothing(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store set my-shop")
    bot.slack.submit("Dana", top_form(bot), {})
    assert "There is nothing to change" in str(top_form(bot)["blocks"])
    assert bot.queued_jobs() == []


def test_busy_store_has_no_settings_in_its_menu(bot: Bot) -> None:
    ready = ready_store(bot)
    assert "Settings" in menu_items(bot, ready)
    typed(bot, "color=ocean")
    working = bot.root("Changing *my-shop*")
    assert "menu" not in buttons(working)
    assert "my-shop is being changed right now." in typed(bot)


def test_type_without_settings_says_so(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop plain")
    bot.finish()
    assert "Settings" not in menu_items(bot, bot.root("*my-shop* is ready"))
    assert "Plain stores have no settings. Their chart marks nothing as settable." in typed(bot)


# --- elsewhere -----------------------------------------------------------------------------------------------------


def test_mention_in_the_thread_changes_a_setting_and_refers_to_the_command_for_the_form(bot: Bot) -> None:
    ready = ready_store(bot)
    bot.slack.say("Dana", "#stores", "@storewright set", ready["ts"])
    bot.slack.wait_for(lambda: "Type it as a command, outside of the thread: /store set my-shop" in bot.whispered())
    bot.slack.say("Dana", "#stores", "@storewright set color=ocean", ready["ts"])
    bot.root("Changing *my-shop*: `color=#1f5f8b`")


def test_terminal_explains_how_to_set(bot: Bot) -> None:
    result = CliRunner().invoke(main, ["set", "--help"])
    assert "KEY=VALUE" in result.output
