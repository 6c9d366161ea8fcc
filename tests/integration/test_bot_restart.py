"""Stores are restarted by a command or in the menu; a failed restart leaves a store ready."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser, expect

from dev.slack.delivery import Ack
from provisioner.domain.errors import Problem
from provisioner.domain.job import JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.operations.restart import RESTART
from tests.integration.bot_harness import ADA, DANA, Bot
from tests.integration.slack_steps import (
    View,
    buttons,
    choose,
    delete_form,
    delete_without_notice,
    home,
    menu_items,
    open_menu,
    ready_store,
    top_form,
)

CRASH = Problem("The application of my-shop keeps crashing.", "Its log says “no memory”.", "Raise it.", "a log")


def typed(bot: Bot, user: str = "Dana", name: str = "my-shop") -> str:
    """The answer to a typed restart."""
    return str(bot.slack.command(user, "#stores", f"/store restart {name}").json()["text"])


def choose_restart(bot: Bot, message: View, user: str = "Dana") -> Ack:
    """Choose “Restart” in the menu of a message or an App Home."""
    return choose(bot, message, "Restart", user)


def fail(bot: Bot) -> None:
    """Let a restart fail while the application starts."""
    job = bot.work("database")
    bot.journal.fail(job, CRASH)


# --- order -------------------------------------------------------------------------------------------------------


def test_restart_is_ordered_by_command_and_progress_edits_one_message(bot: Bot) -> None:
    ready = ready_store(bot)
    assert typed(bot) == (
        "Restarting *my-shop*. The shop may not answer for a moment; no confirmed order is lost. "
        "I'll post the progress here."
    )
    working = bot.root("Restarting *my-shop*, ordered by")
    assert set(buttons(working)) == {"open_shop", "open_admin", "credentials", "cancel", "delete"}, (
        "the store still serves"
    )
    outdated = bot.root("ordered a restart later")
    assert outdated["ts"] == ready["ts"]
    assert not buttons(outdated)
    bot.finish()
    done = bot.root("*my-shop* was restarted and answers again after")
    assert done["ts"] == working["ts"] != ready["ts"]
    bot.slack.wait_for(lambda: "Database restarted" in str(bot.slack.thread(done)))
    assert "Application restarted" in str(bot.slack.thread(done))
    assert "Restart" in menu_items(bot, done)
    assert bot.store().status == StoreStatus.READY
    assert bot.store().version == "1.0.0"


def test_restart_is_ordered_from_the_menu_of_a_ready_store(bot: Bot) -> None:
    root = ready_store(bot)
    assert choose_restart(bot, root).ok
    bot.slack.wait_for(lambda: "Restarting *my-shop*. The shop may not answer" in str(top_form(bot)))
    bot.slack.close("Dana")
    assert bot.slack.views("Dana") == [], "the menu is closed, too"
    bot.root(f"Restarting *my-shop*, ordered by <@{DANA}>")
    bot.finish()
    again = bot.root("was restarted and answers again")
    assert choose_restart(bot, again).ok, "the message of a restart has the menu too"
    bot.root("*my-shop* was restarted. <@U0DANA001> ordered a restart later.")


def test_restart_is_ordered_from_the_menu_on_app_home(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.open_home("Dana")
    assert choose_restart(bot, home(bot, "'action_id': 'menu'")).ok
    bot.root("ordered a restart later")
    bot.slack.wait_for(lambda: "'action_id': 'menu'" not in str(bot.slack.home("Dana")), what="a busy store's Home")
    assert "Restarting *my-shop*, ordered by" in str(bot.slack.dms("Dana")), "a Home has no channel"


def test_restart_is_chosen_in_the_web_page_of_the_local_slack(bot: Bot, browser: Browser) -> None:
    ready_store(bot)
    page = browser.new_page()
    page.goto(bot.slack.workspace_url)
    page.get_by_role("button", name="More …: my-shop").click()
    expect(page.get_by_role("dialog", name="More actions")).to_contain_text("No confirmed order is lost.")
    page.get_by_role("button", name="Restart: my-shop").click()
    expect(page.get_by_text("The shop may not answer for a moment; no confirmed order is lost.")).to_be_visible()
    page.get_by_role("contentinfo").get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_text("Restart the database")).to_be_visible()
    expect(page.get_by_role("button", name="More …: my-shop")).to_be_hidden()
    bot.finish()
    expect(page.get_by_text("was restarted and answers again after")).to_be_visible()
    page.close()


def test_status_of_a_ready_store_has_the_menu(bot: Bot) -> None:
    ready_store(bot)
    answer = bot.slack.command("Dana", "#stores", "/store status my-shop").json()
    assert "menu" in buttons(answer)
    assert "Restart" in menu_items(bot, bot.slack.ephemerals("Dana", "#stores")[-1])


def test_admin_restarts_the_store_of_another_person(bot: Bot) -> None:
    root = ready_store(bot)
    assert choose_restart(bot, root, "Ada").ok
    bot.root(f"Restarting *my-shop*, ordered by <@{ADA}>")


# --- refusals ----------------------------------------------------------------------------------------------------


def test_restart_by_another_person_is_refused(bot: Bot) -> None:
    root = ready_store(bot)
    refusal = f"*my-shop* belongs to <@{DANA}>. Only its owner and admins may do that."
    assert refusal in typed(bot, "Oli")
    assert bot.slack.click("Oli", root, "menu").ok
    bot.slack.wait_for(lambda: refusal in bot.whispered("Oli"))
    assert bot.queued_jobs() == []


def test_restart_is_refused_while_another_job_runs(bot: Bot) -> None:
    root = ready_store(bot)
    bot.settled()
    bot.notifier.stop()  # the message keeps its menu
    menu = open_menu(bot, root)
    bot.slack.command("Dana", "#stores", "/store upgrade my-shop")
    bot.work("namespace")
    assert "my-shop is being upgraded right now. Wait until that is done." in typed(bot)
    assert bot.slack.click("Dana", menu, "restart").ok
    bot.slack.wait_for(lambda: "my-shop is being upgraded right now." in str(top_form(bot)))
    bot.slack.close("Dana")
    assert bot.slack.views("Dana") == [menu], "something else may be chosen"
    assert bot.queued_jobs() == []


def test_other_jobs_are_refused_while_a_restart_runs(bot: Bot) -> None:
    ready_store(bot)
    typed(bot)
    bot.work("database")
    assert "my-shop is being restarted right now." in typed(bot)
    answer = bot.slack.command("Dana", "#stores", "/store upgrade my-shop").json()["text"]
    assert "my-shop is being restarted right now." in answer
    assert bot.queued_jobs() == []


def test_restart_of_a_store_that_is_not_ready_is_refused(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    assert "my-shop is being created right now." in typed(bot)
    bot.fail(CRASH)
    failed = bot.root("could not be created")
    assert "menu" not in buttons(failed)
    assert "can't be restarted now. Retry or delete it first" in typed(bot)
    assert "There is no store called “my-shpo”. Did you mean my-shop?" in typed(bot, name="my-shpo")
    assert bot.queued_jobs() == []


def test_menu_of_a_deleted_store_names_the_person_who_deleted_it(bot: Bot) -> None:
    root = ready_store(bot)
    delete_without_notice(bot)
    assert bot.slack.click("Dana", root, "menu").ok
    bot.slack.wait_for(lambda: f"was already deleted by <@{ADA}>" in bot.whispered())
    assert bot.queued_jobs() == []


@pytest.mark.parametrize("door", ["command", "menu"])
def test_repeated_delivery_makes_one_job(bot: Bot, door: str) -> None:
    root = ready_store(bot)
    bot.settled()
    if door == "command":
        typed(bot)
    else:
        choose_restart(bot, root)
    bot.slack.wait_for(lambda: bot.queued_jobs() == [("restart", 1)])
    assert bot.slack.replay().ok
    bot.slack.wait_for(lambda: len([row for row in bot.audit() if "restart" in row["detail"]]) == 2)
    assert bot.queued_jobs() == [("restart", 1)]
    bot.finish()
    assert bot.slack.replay().ok
    bot.root("was restarted and answers again")
    assert bot.queued_jobs() == [], "nor does it after the job's end"


# --- other ends --------------------------------------------------------------------------------------------------


def test_failed_restart_is_reported_leaves_the_store_ready_and_can_be_retried(bot: Bot) -> None:
    ready_store(bot)
    typed(bot)
    fail(bot)
    root = bot.root("*my-shop* could not be restarted. Its data is unchanged, but the shop may not answer.")
    assert "keeps crashing" in root["text"]
    assert set(buttons(root)) == {"retry", "open_shop", "open_admin", "credentials", "delete", "menu"}
    assert bot.store().status == StoreStatus.READY
    failure = bot.root("could not be restarted for", "#store-failures")
    assert bot.slack.click("Dana", failure, "retry").ok
    bot.root("could not be restarted at first. A later job followed")
    last = bot.ledger.jobs.last(bot.store().id)
    assert last is not None
    assert last.kind == RESTART.kind
    bot.finish()
    bot.root("was restarted and answers again")
    bot.slack.wait_for(lambda: "Solved" in json.dumps(bot.root("could not be restarted for", "#store-failures")))


def test_deletion_stops_a_running_restart(bot: Bot) -> None:
    ready_store(bot)
    typed(bot)
    job = bot.work("database")
    form = delete_form(bot, bot.root("Restarting *my-shop*"))
    assert bot.slack.submit("Dana", form, {"name": "my-shop"}) is None
    bot.root("Stopped restarting *my-shop*")
    stopped = bot.ledger.jobs.get(job.id)
    assert stopped is not None
    assert stopped.status == JobStatus.SUPERSEDED
    bot.finish()
    bot.root("*my-shop* is deleted")


def test_order_edits_only_the_message_before(bot: Bot) -> None:
    """If each order edited the messages of the store's whole life, Slack's limits would make the next one late."""
    ready_store(bot)

    def edits_of(words: str, user: str) -> float:
        bot.settled()
        before = edits()
        bot.slack.command(user, "#stores", f"/store {words} my-shop")
        bot.finish()
        bot.settled()
        return edits() - before

    def edits() -> float:
        labels = {"method": "chat.update", "outcome": "ok"}
        return bot.metrics.registry.get_sample_value("storewright_slack_calls_total", labels) or 0.0

    orders = [("restart", "Dana"), ("backup", "Ada")] * 6
    counted = [edits_of(*order) for order in orders]
    assert max(counted) <= 4, counted
    roots = [message["text"] for message in bot.slack.messages("#stores")]
    assert [text for text in roots if "ordered a backup later" in text and "was created" in text] == []
    assert sum("was restarted." in text and f"<@{ADA}> ordered a backup later" in text for text in roots) == 6
