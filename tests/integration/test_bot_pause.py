"""Stores are put to sleep and woken by commands and buttons. What sleeps takes no other work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.domain.backup import Reason
from provisioner.domain.errors import Problem
from provisioner.domain.job import JobStatus
from provisioner.domain.policy import VISITOR
from provisioner.domain.store import StoreStatus
from provisioner.visits import PAUSE_SECONDS, wake_for_visitor
from tests.integration.bot_harness import ADA, DANA, Bot
from tests.integration.slack_steps import View, buttons, choose, home, menu_items, ready_store
from tests.unit.sample_stores import BACKUPS

CRASH = Problem("The application of my-shop keeps crashing.", "Its log says “no memory”.", "Raise it.", "a log")


def typed(bot: Bot, words: str, user: str = "Dana") -> str:
    """The answer to `/store WORDS`."""
    return str(bot.slack.command(user, "#stores", f"/store {words}").json()["text"])


def sleeping_store(bot: Bot) -> View:
    ready_store(bot)
    typed(bot, "pause my-shop")
    bot.finish()
    return bot.root("*my-shop* is asleep after")


def test_store_is_paused_and_woken_by_commands(bot: Bot) -> None:
    ready_store(bot)
    assert typed(bot, "pause my-shop") == (
        "Pausing *my-shop*. The shop closes; its data and its address are kept. I'll post the progress here."
    )
    assert set(buttons(bot.root("Pausing *my-shop*, ordered by"))) == {
        "open_shop",
        "open_admin",
        "credentials",
        "cancel",
        "delete",
    }
    bot.finish()
    asleep = bot.root("*my-shop* is asleep after")
    assert set(buttons(asleep)) == {"wake", "delete"}
    assert bot.store().status == StoreStatus.ASLEEP
    assert typed(bot, "wake my-shop") == "Waking *my-shop*. I'll post the progress here."
    bot.root("Waking *my-shop*, ordered by")
    bot.root(f"*my-shop* was paused. <@{DANA}> woke it later.")
    bot.finish()
    awake = bot.root("*my-shop* is awake after")
    assert "Pause" in menu_items(bot, awake)
    assert bot.store().status == StoreStatus.READY


def test_store_is_paused_from_the_menu_and_woken_by_a_button(bot: Bot) -> None:
    root = ready_store(bot)
    assert choose(bot, root, "Pause").ok
    bot.root("Pausing *my-shop*, ordered by")
    bot.finish()
    assert bot.slack.click("Ada", bot.root("*my-shop* is asleep after"), "wake").ok
    bot.root(f"Waking *my-shop*, ordered by <@{ADA}>")
    bot.finish()
    bot.root("*my-shop* is awake after")


def test_list_status_and_home_say_that_a_store_sleeps(bot: Bot) -> None:
    sleeping_store(bot)
    assert "{'type': 'raw_text', 'text': 'asleep'}" in str(bot.answered("/store list")["blocks"])
    assert "*my-shop* is asleep after" in typed(bot, "status my-shop")
    bot.slack.open_home("Dana")
    shown = home(bot, "'action_id': 'wake'")
    assert ":zzz: *my-shop*" in str(shown["blocks"])


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ("pause my-shop", "my-shop is asleep already."),
        ("upgrade my-shop", "my-shop is asleep, so it can't be upgraded now. Wake it first: /store wake my-shop"),
        ("restart my-shop", "my-shop is asleep, so it can't be restarted now. Wake it first: /store wake my-shop"),
        ("backup my-shop", "my-shop is asleep, so it can't be backed up now. Wake it first: /store wake my-shop"),
    ],
)
def test_sleeping_store_takes_no_work_that_needs_its_pods(bot: Bot, words: str, refusal: str) -> None:
    sleeping_store(bot)
    assert refusal in typed(bot, words)
    assert bot.queued_jobs() == []


def test_clone_of_a_sleeping_store_takes_the_backup_of_its_pause_and_no_older_one(bot: Bot) -> None:
    sleeping_store(bot)
    older = replace(BACKUPS[0], id="0a" * 32, store_id=bot.store().id, made_at=1.0, reason="daily")
    bot.ledger.store_backups.add(older)
    assert "my-shop is asleep, so it can't be cloned now." in typed(bot, "clone my-shop my-copy")
    bot.ledger.store_backups.add(replace(older, id="0b" * 32, made_at=2.0, reason=Reason.BEFORE_PAUSE))
    assert "Creating *my-copy*" in typed(bot, "clone my-shop my-copy")
    assert bot.claim().arguments["backup"] == "0b" * 32


def test_store_that_is_awake_is_not_woken(bot: Bot) -> None:
    ready_store(bot)
    assert "my-shop is ready already." in typed(bot, "wake my-shop")
    assert bot.queued_jobs() == []


def test_only_owner_and_admins_pause_and_wake(bot: Bot) -> None:
    root = ready_store(bot)
    refusal = f"*my-shop* belongs to <@{DANA}>. Only its owner and admins may do that."
    assert refusal in typed(bot, "pause my-shop", "Oli")
    bot.slack.click("Oli", root, "menu")
    bot.slack.wait_for(lambda: refusal in bot.whispered("Oli"))
    typed(bot, "pause my-shop")
    bot.finish()
    assert refusal in typed(bot, "wake my-shop", "Oli")
    assert bot.queued_jobs() == []


def test_pause_and_upgrade_at_once_take_one(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "upgrade my-shop")
    assert "my-shop is being upgraded right now. Wait until that is done." in typed(bot, "pause my-shop")
    bot.finish()
    typed(bot, "pause my-shop")
    assert "my-shop is being paused right now. Wait until that is done." in typed(bot, "upgrade my-shop")


def test_failed_wake_leaves_the_store_asleep_and_offers_a_retry(bot: Bot) -> None:
    sleeping_store(bot)
    typed(bot, "wake my-shop")
    bot.fail(CRASH, rolled_back=True)
    root = bot.root("*my-shop* could not be woken. It is still asleep; nothing was lost.")
    assert set(buttons(root)) == {"retry", "delete"}
    assert bot.store().status == StoreStatus.ASLEEP
    assert bot.slack.click("Dana", root, "retry").ok
    bot.root("could not be woken at first. A later job followed")
    bot.finish()
    bot.root("*my-shop* is awake after")


def test_failed_pause_leaves_the_store_open(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "pause my-shop")
    bot.fail(CRASH, rolled_back=True)
    bot.root("*my-shop* could not be paused. The shop is open again; nothing was lost.")
    assert bot.store().status == StoreStatus.READY


# --- visits --------------------------------------------------------------------------------------------------------


def test_visit_wakes_quietly_and_once(bot: Bot) -> None:
    sleeping_store(bot)
    assert [wake_for_visitor(bot.orders, bot.store()) for _ in range(3)] == [True, True, True]
    assert bot.queued_jobs() == [("wake", 1)]
    job = bot.finish()
    awake = bot.root("*my-shop* was paused. A visit woke it:")
    assert {"open_shop", "credentials", "menu"} <= set(buttons(awake)), "those of a ready store"
    assert (job.requested_by, job.quiet) == (VISITOR, True)
    assert [m for m in bot.slack.messages("#stores") if "is awake" in m["text"] or "Waking" in m["text"]] == []
    assert "*my-shop*" in typed(bot, "status my-shop")
    assert wake_for_visitor(bot.orders, bot.store()), "a visit of a store that just opened"
    assert bot.queued_jobs() == []


def test_wake_that_failed_is_not_ordered_by_each_visit(bot: Bot) -> None:
    sleeping_store(bot)
    wake_for_visitor(bot.orders, bot.store())
    failed = bot.fail(CRASH, rolled_back=True)
    bot.root("could not be woken for a visitor", "#store-failures")
    bot.slack.wait_for(lambda: "*my-shop* could not be woken" in str(bot.slack.dms("Dana")))
    assert not wake_for_visitor(bot.orders, bot.store())
    assert bot.queued_jobs() == []
    bot.clock.ahead = PAUSE_SECONDS + 1
    assert wake_for_visitor(bot.orders, bot.store())
    assert bot.queued_jobs() == [("wake", 1)]
    last = bot.ledger.jobs.last(bot.store().id)
    assert last is not None
    assert (last.id != failed.id, last.status) == (True, JobStatus.QUEUED)
