"""Deleted stores are undeleted from their message, by a command or from a terminal, until their time is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from provisioner.domain.store import StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.operations.delete import DAY_SECONDS, FOR_GOOD
from tests.integration.bot_harness import UNDELETE_DAYS, Bot, use_terminal
from tests.integration.slack_steps import buttons, delete_form, ready_store, top_form
from tests.unit.sample_stores import BACKUPS

LAST = "0123456789abcdef"


def typed(bot: Bot, words: str, user: str = "Dana") -> str:
    return str(bot.slack.command(user, "#stores", f"/store {words}").json())


def keep(bot: Bot) -> None:
    """What a deletion's job does before it deletes."""
    store, now = bot.store(), bot.ledger.clock()
    bot.ledger.store_backups.add(replace(BACKUPS[0], id=LAST, store_id=store.id, made_at=now))
    bot.ledger.stores.keep_until(store.id, now + UNDELETE_DAYS * DAY_SECONDS)


@pytest.fixture
def deleted(bot: Bot) -> dict[str, Any]:
    """The root message of the deletion of my-shop, which can be undeleted."""
    form = delete_form(bot, ready_store(bot))
    assert bot.slack.submit("Dana", form, {"name": "my-shop"}) is None
    keep(bot)
    bot.finish()
    return bot.root("*my-shop* is deleted")


def gone(bot: Bot) -> str:
    store = bot.ledger.stores.last_deleted("my-shop")
    assert store
    return store.id


def test_form_says_until_when_and_the_message_offers_to_undelete(bot: Bot, deleted: dict[str, Any]) -> None:
    form = bot.slack.views("Dana")
    assert form == []
    assert "you can undelete it with all its data" in deleted["text"]
    assert list(buttons(deleted)) == ["undelete"]
    bot.slack.click("Dana", deleted, "undelete")
    bot.root("Bringing *my-shop* back, ordered by")
    assert bot.store().status == StoreStatus.CREATING
    job = bot.ledger.jobs.live(bot.store().id)
    assert job
    assert job.arguments == {"backup": LAST, "served": "True"}
    bot.finish()
    bot.root("*my-shop* is back after")
    bot.slack.wait_for(lambda: not buttons(bot.root("*my-shop* was deleted.")))
    assert bot.store().deleted_at is None


def test_delete_form_says_until_when_a_store_can_be_undeleted(bot: Bot) -> None:
    form = delete_form(bot, ready_store(bot))
    assert "Until <!date^" in str(form["blocks"][0])
    assert form["submit"]["text"] == "Delete"


def test_deletion_for_good_says_so_and_offers_nothing(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store delete my-shop now")
    form = top_form(bot)
    assert "all its backups" in str(form["blocks"][0])
    assert form["submit"]["text"] == "Delete for good"
    assert bot.slack.submit("Dana", form, {"name": "shop"}) is not None
    bot.slack.submit("Dana", form, {"name": "my-shop"})
    job = bot.ledger.jobs.live(bot.store().id)
    assert job
    assert job.arguments == FOR_GOOD
    bot.ledger.stores.keep_until(job.store_id, bot.ledger.clock())
    bot.finish()
    done = bot.root("*my-shop* is deleted")
    assert "and the name is free" in done["text"]
    assert not buttons(done)
    assert "was already deleted" in typed(bot, "undelete my-shop")


def test_command_undeletes(bot: Bot, deleted: dict[str, Any]) -> None:
    assert "Bringing *my-shop* back." in typed(bot, "undelete my-shop")
    assert bot.queued_jobs() == [("undelete", 1)]


def test_name_stays_taken_until_the_store_is_deleted_for_good(bot: Bot, deleted: dict[str, Any]) -> None:
    assert "can still be undeleted" in typed(bot, "create my-shop")
    bot.slack.command("Dana", "#stores", "/store delete my-shop now")
    bot.slack.submit("Dana", top_form(bot), {"name": "my-shop"})
    bot.slack.wait_for(lambda: "can't be undeleted any more" in bot.whispered())
    assert [store.name for store in bot.ledger.stores.to_forget()] == ["my-shop"]
    assert "Creating *my-shop*" in typed(bot, "create my-shop")


def test_store_whose_time_is_over_is_told_once_and_stays_deleted(bot: Bot, deleted: dict[str, Any]) -> None:
    bot.clock.ahead += UNDELETE_DAYS * DAY_SECONDS + 1
    assert "was already deleted" in typed(bot, "undelete my-shop")
    bot.slack.click("Dana", deleted, "undelete")
    bot.slack.wait_for(lambda: "was already deleted" in bot.whispered())
    assert bot.queued_jobs() == []
    bot.ledger.note_forgotten(gone(bot))
    thread = bot.slack.wait_for(lambda: "can't be undeleted any more" in str(bot.slack.thread(deleted)))
    assert thread
    bot.slack.wait_for(lambda: not buttons(bot.root("*my-shop* is deleted")))
    assert bot.ledger.store_backups.of_store(gone(bot)) == []


@pytest.mark.parametrize("words", ["undelete my-shop", "delete my-shop now"])
def test_other_people_may_neither_undelete_nor_free_the_name(bot: Bot, deleted: dict[str, Any], words: str) -> None:
    assert "Only its owner and admins may do that." in typed(bot, words, "Oli")


def test_store_that_is_not_deleted_is_not_undeleted(bot: Bot) -> None:
    ready_store(bot)
    assert "my-shop is not deleted: it is ready." in typed(bot, "undelete my-shop")
    assert "no store called" in typed(bot, "undelete another")


def test_deleted_store_names_how_to_undelete_it(bot: Bot, deleted: dict[str, Any]) -> None:
    assert "`/store undelete my-shop`" in typed(bot, "status my-shop")


def test_terminal_undeletes_and_deletes_for_good(
    bot: Bot, deleted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_terminal(bot, monkeypatch)
    monkeypatch.setenv("BACKUP_SERVER", "https://one-backup.home.svc:8000")
    assert CliRunner().invoke(main, ["undelete", "my-shop", "--no-wait"]).exit_code == 0
    assert bot.queued_jobs() == [("undelete", 1)]
    bot.finish()
    asked = CliRunner().invoke(main, ["delete", "my-shop", "--no-wait"], input="another\n").output
    assert "It can be undeleted until" in asked
    assert CliRunner().invoke(main, ["delete", "my-shop", "--no-wait", "--yes"]).exit_code == 0
    keep(bot)
    bot.finish()
    freed = CliRunner().invoke(main, ["delete", "my-shop", "--now"])
    assert "its name is free" in freed.output
    assert CliRunner().invoke(main, ["undelete", "my-shop"]).exit_code != 0


def test_undelete_counts_towards_the_persons_limit(bot: Bot, deleted: dict[str, Any]) -> None:
    for number in range(10):
        ready_store(bot, f"shop-{number}")
    assert "10 is the limit" in typed(bot, "undelete my-shop")


def test_ledger_keeps_forgotten_stores_until_they_are_told(bot: Bot, deleted: dict[str, Any]) -> None:
    ledger: Ledger = bot.ledger
    assert ledger.stores.kept("my-shop")
    bot.clock.ahead += UNDELETE_DAYS * DAY_SECONDS + 1
    assert not ledger.stores.kept("my-shop")
    assert [store.id for store in ledger.stores.to_forget()] == [gone(bot)]
    ledger.note_forgotten(gone(bot))
    assert ledger.stores.to_forget() == []
