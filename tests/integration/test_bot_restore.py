"""Stores are restored after a form said what is lost: by a command, in the menu, from the list, from a terminal."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from provisioner.domain.backup import Backup
from provisioner.operations.restore import arguments_of
from tests.integration.bot_harness import Bot, use_terminal
from tests.integration.slack_steps import buttons, choose, ready_store, top_form
from tests.unit.sample_stores import BACKUPS

IDS = ("0123456789abcdef", "9876543210fedcba", "9876aaaaaaaaaaaa")


@pytest.fixture
def backups(bot: Bot) -> list[Backup]:
    """A ready store's backups, newest first."""
    ready_store(bot)
    for number, id in enumerate(IDS):
        bot.ledger.store_backups.add(replace(BACKUPS[0], id=id, store_id=bot.store().id, made_at=number))
    return bot.ledger.store_backups.of_store(bot.store().id)


def typed(bot: Bot, words: str, user: str = "Dana") -> str:
    return str(bot.slack.command(user, "#stores", f"/store {words}").json())


def preset(form: dict[str, Any]) -> str:
    [menu] = [block["element"] for block in form["blocks"] if block.get("block_id") == "backup"]
    return str(menu["initial_option"]["value"])


def test_restore_says_what_is_lost_asks_for_the_backup_and_restores(bot: Bot, backups: list[Backup]) -> None:
    bot.slack.command("Dana", "#stores", "/store restore my-shop")
    form = top_form(bot)
    assert "is lost: orders" in str(form["blocks"][0])
    assert preset(form) == backups[0].id
    assert bot.slack.submit("Dana", form, {"backup": backups[2].id}) is None
    bot.root("Restoring *my-shop* to how it was")
    job = bot.ledger.jobs.live(bot.store().id)
    assert job
    assert job.arguments == arguments_of(backups[2], back_up_first=True)
    bot.finish()
    done = bot.root("*my-shop* is as it was")
    bot.slack.wait_for(lambda: "Backed up as it was" in str(bot.slack.thread(done)))


def test_backup_first_can_be_left_out(bot: Bot, backups: list[Backup]) -> None:
    bot.slack.command("Dana", "#stores", "/store restore my-shop")
    bot.slack.submit("Dana", top_form(bot), {"first": "no"})
    job = bot.ledger.jobs.live(bot.store().id)
    assert job
    assert job.arguments == arguments_of(backups[0], back_up_first=False)


def test_command_presets_the_backup_with_the_typed_id(bot: Bot, backups: list[Backup]) -> None:
    bot.slack.command("Dana", "#stores", "/store restore my-shop 01234567")
    assert preset(top_form(bot)) == IDS[0]


@pytest.mark.parametrize("place", ["menu", "list"])
def test_form_opens_in_the_menu_and_from_the_list(bot: Bot, backups: list[Backup], place: str) -> None:
    if place == "menu":
        ready = bot.root("*my-shop* is ready")
        choose(bot, ready, "Restore")
    else:
        listed = bot.answered("/store backups my-shop")
        assert list(buttons(listed)) == ["restore", "restore_as_new", "export"]
        bot.slack.click("Dana", listed, "restore")
    assert preset(top_form(bot)) == backups[0].id


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("restore my-shop 9876", "has several backups called “9876”."),
        ("restore my-shop ffff", "has no backup called “ffff”. /store backups my-shop lists them."),
        ("restore my-shop 0123 more", "I didn't expect “more” here."),
        ("restore", "The name of a store is missing."),
    ],
)
def test_wrong_words_get_a_clear_answer(bot: Bot, backups: list[Backup], words: str, answer: str) -> None:
    assert answer in typed(bot, words).replace("*Next step*  ", "")


def test_store_without_backups_is_not_restored(bot: Bot) -> None:
    ready_store(bot)
    assert "my-shop has no backups yet." in typed(bot, "restore my-shop")
    assert bot.slack.views("Dana") == []


def test_other_people_may_not_restore(bot: Bot, backups: list[Backup]) -> None:
    assert "Only its owner and admins may do that." in typed(bot, "restore my-shop", "Oli")


def test_backup_that_is_gone_when_the_form_is_sent_restores_nothing(bot: Bot, backups: list[Backup]) -> None:
    bot.slack.command("Dana", "#stores", "/store restore my-shop")
    form = top_form(bot)
    with sqlite3.connect(bot.ledger.path) as ledger:
        ledger.execute("DELETE FROM store_backups WHERE id = ?", (backups[0].id,))
    bot.slack.submit("Dana", form, {})
    assert "no backup called" in str(bot.slack.views("Dana")[-1]["blocks"])
    assert bot.queued_jobs() == []


def test_terminal_restores_after_the_name_was_typed(
    bot: Bot, backups: list[Backup], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_terminal(bot, monkeypatch)
    words = ["restore", "my-shop", "0123", "--no-wait"]
    refused = CliRunner().invoke(main, words, input="another\n").output
    assert "What has changed since is lost." in refused
    assert "Nothing was changed." in refused
    assert bot.queued_jobs() == []
    assert CliRunner().invoke(main, [*words, "--no-backup-first"], input="my-shop\n").exit_code == 0
    job = bot.ledger.jobs.live(bot.store().id)
    assert job
    assert job.arguments == arguments_of(backups[2], back_up_first=False)
