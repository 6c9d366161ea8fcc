"""Jobs are cancelled by a command, a button, a mention or from a terminal; their messages say who did it."""

from __future__ import annotations

import threading

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from provisioner.domain.job import Job, JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.ledger.outbox import OutboxKind
from tests.integration.bot_harness import ADA, DANA, OLI, Bot, use_terminal
from tests.integration.slack_steps import buttons, home, ready_store
from tests.integration.test_bot_mentions import mentioned
from tests.waiting import until


def typed(bot: Bot, words: str, user: str = "Dana") -> str:
    """The answer to `/store WORDS`."""
    return str(bot.slack.command(user, "#stores", f"/store {words}").json()["text"])


def taken_back(bot: Bot) -> Job:
    """Let the next attempt of the cancelled job take back what it did."""
    job = bot.claim()
    assert job.cancelled_by
    bot.complete(job, "rollback")
    bot.journal.end_cancelled(job)
    return job


def test_queued_creation_is_cancelled_at_once_and_its_name_is_free(bot: Bot) -> None:
    typed(bot, "create my-shop")
    gone = f"Creating *my-shop* was cancelled by <@{DANA}>. Nothing is left of it, and its name is free."
    assert typed(bot, "cancel my-shop") == gone
    root = bot.root(gone)
    assert buttons(root) == {}
    bot.settled()
    assert bot.slack.thread(root)[-1]["text"] == f":octagonal_sign: <@{DANA}> cancelled the job."
    assert "Creating *my-shop*" in typed(bot, "create my-shop")


def test_running_job_is_cancelled_by_the_button_of_its_message(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "upgrade my-shop")
    job = bot.work("namespace", "secrets", "inspect")
    root = bot.root("Upgrading *my-shop*")
    assert "confirm" in buttons(root)["cancel"]
    assert bot.slack.click("Ada", root, "cancel").ok
    shown = bot.root(f"Upgrading *my-shop* was cancelled by <@{ADA}>. What the job did is being taken back.")
    assert "cancel" not in buttons(shown)
    assert (
        bot.whispered("Ada") == f"Upgrading *my-shop* was cancelled by <@{ADA}>. What the job did is being taken back."
    )
    taken_back(bot)
    root = bot.root(f"Upgrading *my-shop* was cancelled by <@{ADA}>. It runs Medusa 1.0.0 again; nothing was lost.")
    assert "open_shop" in buttons(root)
    bot.settled()
    assert bot.slack.messages("#store-failures") == [], "it is no failure"
    assert not bot.ledger.outbox.get(OutboxKind.FAILURE, job.id)


def test_cancellation_on_app_home(bot: Bot) -> None:
    bot.slack.open_home("Dana")
    typed(bot, "create my-shop")
    bot.work("namespace")
    home(bot, "'action_id': 'cancel'")
    typed(bot, "cancel my-shop")
    home(bot, "deleting")
    taken_back(bot)
    home(bot, "You have no stores yet")


def test_thread_of_a_job_cancels_it_by_a_mention(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "backup my-shop")
    root = bot.root("Backing up *my-shop*")
    assert mentioned(bot, "cancel", root).startswith("Backing up *my-shop* was cancelled by")
    bot.root(f"Backing up *my-shop* was cancelled by <@{DANA}>. Its shop is unchanged")


@pytest.mark.parametrize("user", ["Oli"])
def test_other_people_do_not_cancel(bot: Bot, user: str) -> None:
    typed(bot, "create my-shop")
    assert "Only its owner and admins may do that" in typed(bot, "cancel my-shop", user)
    assert bot.slack.click(user, bot.root("Creating *my-shop*"), "cancel").ok
    bot.slack.wait_for(lambda: "Only its owner and admins" in bot.whispered(user))
    assert bot.queued_jobs() == [("create", 1)]
    assert {row["outcome"] for row in bot.audit() if row["actor"] == OLI} == {"refused"}


def test_cancellation_that_comes_too_late_says_so(bot: Bot) -> None:
    ready_store(bot)
    assert typed(bot, "cancel my-shop") == ":no_entry_sign: my-shop: nothing to cancel. The store is ready."
    typed(bot, "upgrade my-shop")
    root = bot.root("Upgrading *my-shop*")
    bot.settled()
    bot.notifier.stop()
    bot.finish("1.0.0")
    typed(bot, "backup my-shop")
    assert bot.slack.click("Dana", root, "cancel").ok
    bot.slack.wait_for(lambda: "nothing to cancel" in bot.whispered())
    assert bot.queued_jobs() == [("backup", 1)], "the old button cancels no other job"


def test_success_that_comes_last_is_shown_with_who_came_too_late(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "upgrade my-shop")
    job = bot.work("namespace")
    typed(bot, "cancel my-shop")
    bot.journal.succeed(job, "1.0.0")
    bot.root(f"<@{DANA}> cancelled the job too late: it was done.")


def test_repeated_delivery_is_answered_alike_and_cancels_once(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "upgrade my-shop")
    first = typed(bot, "cancel my-shop")
    typed(bot, "backup my-shop")
    assert bot.slack.replay().ok
    assert "Upgrading *my-shop* was cancelled" in first
    assert bot.queued_jobs() == [("backup", 1)]


def test_cancelled_job_is_audited_and_can_be_retried(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "upgrade my-shop")
    typed(bot, "cancel my-shop")
    [row] = [row for row in bot.audit() if row["detail"].endswith("cancel my-shop")]
    assert (row["outcome"], row["store"]) == ("answered", "my-shop")
    assert row["reason"].startswith("cancelled the upgrade ")
    assert "Trying *my-shop* again" in typed(bot, "retry my-shop")
    bot.root(f"Upgrading *my-shop* was cancelled by <@{DANA}>. <@{DANA}> ordered an upgrade later.")


def test_terminal_cancels_and_waits_until_all_is_taken_back(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    use_terminal(bot, monkeypatch)
    ready_store(bot)
    typed(bot, "pause my-shop")
    bot.work("inspect", "close")

    def work() -> None:
        until("the cancellation", lambda: bot.queued_jobs())
        taken_back(bot)

    worker = threading.Thread(target=work)
    worker.start()
    done = CliRunner().invoke(main, ["cancel", "my-shop"])
    worker.join()
    assert done.exit_code == 0, done.output
    assert "! Pausing my-shop was cancelled by an operator. The shop is open again; nothing was lost." in done.output
    assert bot.store().status == StoreStatus.READY
    nothing = CliRunner().invoke(main, ["cancel", "my-shop"])
    assert (nothing.exit_code, "nothing to cancel" in nothing.output) == (2, True)


def test_terminal_does_not_wait_with_no_wait(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    use_terminal(bot, monkeypatch)
    ready_store(bot)
    typed(bot, "pause my-shop")
    job = bot.work("inspect")
    done = CliRunner().invoke(main, ["cancel", "my-shop", "--no-wait"])
    assert (done.exit_code, "What the job did is being taken back." in done.output) == (0, True)
    assert bot.ledger.jobs.live(job.store_id)
    ended = taken_back(bot)
    last = bot.ledger.jobs.get(ended.id)
    assert last is not None
    assert last.status == JobStatus.CANCELLED
