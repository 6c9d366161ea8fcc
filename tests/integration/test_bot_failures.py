"""Failed jobs: they are reported where they were ordered and in the failure channel, and can be retried."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.domain.errors import Problem
from tests.integration.bot_harness import OLI, STORES, Bot
from tests.integration.slack_steps import PROBLEM, home, ready_store


def test_failure_is_reported_in_thread_and_failure_channel_and_can_be_retried(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    bot.fail(PROBLEM)
    root = bot.root("*my-shop* could not be created. The image")
    failure = bot.root("could not be created", "#store-failures")
    assert "a log" in str(failure["blocks"])
    assert "No such image." in str(failure["blocks"])
    assert root["ts"].replace(".", "") in str(failure["blocks"]), "a link to the root message"
    bot.slack.wait_for(lambda: ":x: The image" in str(bot.slack.thread(root)))

    assert bot.slack.click("Dana", failure, "retry").ok
    bot.slack.wait_for(lambda: "Trying *my-shop* again" in bot.whispered())
    bot.root("A later job followed")
    bot.finish()
    bot.root("*my-shop* is ready")
    solved = bot.root("could not be created", "#store-failures")
    bot.slack.wait_for(lambda: "Solved" in str(bot.root("could not be created", "#store-failures")["blocks"]))
    assert solved["ts"] == failure["ts"]


def test_second_click_on_retry_orders_nothing(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    bot.fail(PROBLEM)
    root = bot.root("could not be created")
    bot.settled()
    bot.notifier.stop()
    bot.slack.click("Dana", root, "retry")
    bot.slack.click("Dana", root, "retry")
    bot.slack.wait_for(lambda: "my-shop is being created right now" in bot.whispered())
    assert bot.queued_jobs() == [("create", 1)]


def test_retry_button_of_an_old_message_is_refused(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    bot.fail(PROBLEM)
    root = bot.root("could not be created")
    bot.settled()
    bot.notifier.stop()
    assert bot.slack.click("Dana", root, "retry").ok
    bot.finish()
    assert bot.slack.click("Dana", root, "retry").ok
    bot.slack.wait_for(lambda: "nothing to retry for my-shop: it is ready" in bot.whispered())


def test_reason_for_waiting_is_shown_while_it_lasts(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    job = bot.work("namespace")
    bot.ledger.jobs.retry_later(job, Problem("The API is away."), bot.clock() + 3)
    bot.slack.wait_for(lambda: "The API is away. Trying again in 3 s." in str(bot.root("Creating")["blocks"]))


# --- /store retry ------------------------------------------------------------------------------------------------


def test_retry_command_orders_the_failed_job_again(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    failed = bot.fail(PROBLEM)
    bot.root("could not be created")
    answer = bot.slack.command("Dana", "#random", "/store retry my-shop")
    assert "Trying *my-shop* again" in answer.json()["text"]
    bot.root("Creating *my-shop*")
    job = bot.finish()
    assert (job.retry_of, job.origin) == (failed.id, STORES), "its messages go where the first ones went"
    bot.root("*my-shop* is ready")
    assert [(row["outcome"], row["job_id"]) for row in bot.audit(1)] == [("ordered", job.id)]


def test_retry_command_is_replayed_without_a_second_job(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    bot.fail(PROBLEM)
    first = bot.slack.command("Dana", "#stores", "/store retry my-shop")
    assert bot.slack.replay().body == first.body
    assert bot.queued_jobs() == [("create", 1)]


@pytest.mark.parametrize(
    ("user", "typed", "answer"),
    [
        ("Dana", "/store retry my-shop", "There is nothing to retry for my-shop: it is ready."),
        ("Dana", "/store retry my-shpo", "There is no store called “my-shpo”. Did you mean my-shop?"),
        ("Dana", "/store retry", "The name of a store is missing. Usage: /store retry NAME"),
        ("Dana", "/store retry my-shop now", "I didn't expect “now” here. Usage: /store retry NAME"),
        ("Oli", "/store retry my-shop", "Only its owner and admins may do that."),
    ],
)
def test_retry_command_that_makes_no_sense_is_refused(bot: Bot, user: str, typed: str, answer: str) -> None:
    ready_store(bot)
    assert answer in bot.slack.command(user, "#stores", typed).json()["text"]
    assert bot.queued_jobs() == []


def test_retry_command_of_an_adopted_store_is_refused(bot: Bot) -> None:
    ready_store(bot)
    assert bot.ledger.stores.adopt(replace(bot.store(), id="found", name="found-shop", owner=OLI))
    answer = bot.slack.command("Oli", "#stores", "/store retry found-shop").json()["text"]
    assert "There is nothing to retry for found-shop: it is ready." in answer


def test_failed_upgrade_is_retried_as_an_upgrade(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store upgrade my-shop")
    bot.fail(PROBLEM, rolled_back=True)
    bot.slack.open_home("Dana")
    home(bot, "Retry")
    assert bot.slack.command("Dana", "#stores", "/store retry my-shop").ok
    assert bot.finish().kind == "upgrade"
    bot.root("*my-shop* runs Medusa 1.0.0")
