"""Stores are backed up by a command or in the menu, and their backups are listed."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from provisioner.domain.backup import Backup
from provisioner.domain.job import JobStatus
from provisioner.domain.store import StoreStatus
from tests.integration.bot_harness import Bot, use_terminal
from tests.integration.slack_steps import choose, home, menu_items, ready_store

COUNTS = {"orders": 12, "products": 40}


def backup_of(bot: Bot, id: str = "5f0e1d2c3b4a") -> Backup:
    return Backup(id, bot.store().id, "j1", bot.clock(), "ordered", "0.1.0", 31_400_000, 1_200, True, COUNTS)


def typed(bot: Bot, words: str, user: str = "Dana") -> str:
    return str(bot.answered(f"/store {words}", user))


def test_backup_is_ordered_by_command_and_leaves_the_store_ready(bot: Bot) -> None:
    ready_store(bot)
    assert "Backing up *my-shop*. The shop goes on meanwhile." in typed(bot, "backup my-shop")
    bot.root("Backing up *my-shop*, ordered by")
    assert bot.store().status == StoreStatus.READY
    bot.finish()
    done = bot.root("*my-shop* was backed up in")
    bot.slack.wait_for(lambda: "Database and uploads copied" in str(bot.slack.thread(done)))
    assert "Restart" in menu_items(bot, done)


def test_backup_is_ordered_in_the_menu(bot: Bot) -> None:
    ready = ready_store(bot)
    choose(bot, ready, "Back up")
    bot.root("Backing up *my-shop*, ordered by")
    job = bot.ledger.jobs.live(bot.store().id)
    assert job
    assert (job.kind, job.status) == ("backup", JobStatus.QUEUED)


def test_backups_are_listed_to_the_owner_newest_first(bot: Bot) -> None:
    ready_store(bot)
    assert "*my-shop* has no backups yet. Make the first: `/store backup my-shop`" in typed(bot, "backups my-shop")
    for id in ("0123456789", "9876543210"):
        bot.ledger.store_backups.add(backup_of(bot, id))
    answer = typed(bot, "backups my-shop")
    assert "*Backups of my-shop*, newest first" in answer
    assert answer.index("`98765432`") < answer.index("`01234567`")
    assert "31 MB · 12 orders · 40 products" in answer


def test_status_says_when_the_store_was_backed_up(bot: Bot) -> None:
    ready_store(bot)
    assert "Backed up" not in typed(bot, "status my-shop")
    bot.ledger.store_backups.add(backup_of(bot))
    assert "Backed up <!date^" in typed(bot, "status my-shop")


@pytest.mark.parametrize("words", ["backup my-shop", "backups my-shop"])
def test_other_people_may_neither_make_nor_list_backups(bot: Bot, words: str) -> None:
    ready_store(bot)
    bot.ledger.store_backups.add(backup_of(bot))
    answer = typed(bot, words, "Oli")
    assert "Only its owner and admins may do that." in answer
    assert "31 MB" not in answer


def test_terminal_lists_backups(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    ready_store(bot)
    made = backup_of(bot)
    bot.ledger.store_backups.add(made)
    bot.ledger.store_backups.add(made)  # a log that is read twice
    use_terminal(bot, monkeypatch)
    assert "31 MB" in CliRunner().invoke(main, ["backups", "my-shop"]).output
    [listed] = json.loads(CliRunner().invoke(main, ["backups", "my-shop", "--json"]).output)
    assert (listed["id"], listed["counts"]) == (made.id, COUNTS)


def test_home_shows_when_a_store_was_backed_up(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.open_home("Dana")
    shown = home(bot, "my-shop")
    assert "Backed up" not in str(shown)
    bot.slack.command("Dana", "#stores", "/store backup my-shop")
    bot.journal.add_backup(bot.finish(), backup_of(bot))
    home(bot, "Backed up <!date^")
