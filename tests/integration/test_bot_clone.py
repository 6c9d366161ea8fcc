"""Stores are cloned by a command, in the menu, from a backup into a new store, and from a terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from provisioner.domain.backup import Backup
from provisioner.domain.job import Job
from provisioner.operations.clone import arguments_of
from tests.integration.bot_harness import DANA, Bot, use_terminal
from tests.integration.slack_steps import choose, ready_store, top_form
from tests.unit.sample_stores import BACKUPS


def typed(bot: Bot, words: str, user: str = "Dana") -> str:
    return str(bot.slack.command(user, "#stores", f"/store {words}").json())


def add_backup(bot: Bot, id: str = "0123456789abcdef") -> Backup:
    backup = replace(BACKUPS[0], id=id, store_id=bot.store().id)
    bot.ledger.store_backups.add(backup)
    return backup


def preset(form: dict[str, Any]) -> str:
    [menu] = [block["element"] for block in form["blocks"] if block.get("block_id") == "backup"]
    return str(menu["initial_option"]["value"])


def ordered(bot: Bot) -> Job:
    """The queued job of my-copy."""
    job = bot.ledger.jobs.live(bot.store("my-copy").id)
    assert job
    return job


def test_command_creates_a_store_with_the_data_of_another_one(bot: Bot) -> None:
    assert bot.slack.command("Dana", "#stores", "/store create my-shop currency=usd").ok
    bot.finish()
    assert "Creating *my-copy* with the data of *my-shop*." in typed(bot, "clone my-shop my-copy")
    bot.root("Creating *my-copy* with the data of *my-shop*, for <@U0DANA001>.")
    source, copy = bot.store(), bot.store("my-copy")
    assert (copy.type, copy.options, copy.owner) == (source.type, source.options, DANA)
    assert copy.options["currency"] == "usd"
    assert (copy.url, copy.namespace) == ("http://my-copy.localhost:8081", "store-my-copy")
    assert ordered(bot).arguments == arguments_of(source, None)
    bot.finish()
    bot.root("*my-copy* is ready after")


def test_menu_opens_a_form_with_the_states_of_the_store(bot: Bot) -> None:
    ready = ready_store(bot)
    backup = add_backup(bot)
    choose(bot, ready, "Clone")
    form = top_form(bot)
    assert preset(form) == "now"
    wrong: Any = bot.slack.submit("Dana", form, {"name": "my-shop"})
    assert "There is already a store called my-shop." in wrong["name"]
    assert bot.slack.submit("Dana", form, {"name": "my-copy", "backup": backup.id}) is None
    assert ordered(bot).arguments == arguments_of(bot.store(), backup)


def test_list_of_backups_opens_the_form_too(bot: Bot) -> None:
    ready_store(bot)
    add_backup(bot)
    bot.slack.click("Dana", bot.answered("/store backups my-shop"), "restore_as_new")
    form = top_form(bot)
    assert form["callback_id"] == "clone"
    assert preset(form) == "0123456789abcdef"


def test_backup_is_restored_into_a_new_store(bot: Bot) -> None:
    ready_store(bot)
    backup = add_backup(bot)
    add_backup(bot, "f" * 16)
    assert "with the data of *my-shop*" in typed(bot, "restore my-shop 0123 into=my-copy")
    assert ordered(bot).arguments == arguments_of(bot.store(), backup)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("clone my-shop", "The name of the new store is missing."),
        ("clone", "The name of a store is missing."),
        ("clone my-shop my-copy more", "I didn't expect “more” here."),
        ("clone another my-copy", "There is no store called “another”."),
        ("clone my-shop my-shop", "There is already a store called my-shop."),
        ("clone my-shop medusa", "“medusa” is a store type."),
        ("restore my-shop into=my-copy", "my-shop has no backups yet."),
        ("clone plain-shop my-copy", "Plain stores have no backups, and “clone” needs them."),
        ("backup plain-shop", "Plain stores have no backups, and “backup” needs them."),
    ],
)
def test_wrong_words_get_a_clear_answer(bot: Bot, words: str, answer: str) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store create plain-shop plain")
    bot.finish()
    assert answer in typed(bot, words)
    assert bot.queued_jobs() == []


def test_other_people_may_not_clone(bot: Bot) -> None:
    ready_store(bot)
    assert "Only its owner and admins may do that." in typed(bot, "clone my-shop my-copy", "Oli")


def test_admin_who_clones_a_store_owns_the_clone(bot: Bot) -> None:
    ready_store(bot)
    assert "Creating *my-copy*" in typed(bot, "clone my-shop my-copy", "Ada")
    assert bot.store("my-copy").owner != bot.store().owner


def test_busy_store_is_cloned_later(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store restart my-shop")
    assert "is being restarted right now" in typed(bot, "clone my-shop my-copy")


def test_clone_counts_towards_the_persons_limit(bot: Bot) -> None:
    ready_store(bot)
    for number in range(9):
        ready_store(bot, f"shop-{number}")
    assert "10 is the limit" in typed(bot, "clone my-shop my-copy")


def test_terminal_clones_and_restores_into_a_new_store(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    ready_store(bot)
    backup = add_backup(bot)
    use_terminal(bot, monkeypatch)
    done = CliRunner().invoke(main, ["clone", "my-shop", "my-copy", "--no-wait"])
    assert done.exit_code == 0, done.output
    assert ordered(bot).arguments == arguments_of(bot.store(), None)
    bot.finish()
    done = CliRunner().invoke(main, ["restore", "my-shop", "--into", "my-second", "--no-wait"])
    assert done.exit_code == 0, done.output
    job = bot.ledger.jobs.live(bot.store("my-second").id)
    assert job
    assert job.arguments == arguments_of(bot.store(), backup)
