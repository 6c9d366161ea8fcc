"""Stores are upgraded by a command or a button, and a failed upgrade is reported as undone."""

from __future__ import annotations

from tests.integration.bot_harness import Bot
from tests.integration.slack_steps import PROBLEM, buttons, delete_form, home, ready_store


def test_upgrade_is_ordered_by_command_and_progress_edits_one_message(bot: Bot) -> None:
    ready = ready_store(bot)
    answer = bot.slack.command("Dana", "#stores", "/store upgrade my-shop").json()["text"]
    assert answer == (
        "*my-shop* already runs Medusa 1.0.0. I'm applying the present settings. I'll post the progress here."
    )
    working = bot.root("Upgrading *my-shop*, ordered by")
    assert {"open_shop", "open_admin", "credentials", "cancel", "delete"} == set(buttons(working)), (
        "the store still serves"
    )
    bot.root("ordered an upgrade later")
    assert "{'type': 'raw_text', 'text': 'ready'}" in str(bot.answered("/store list")["blocks"])
    bot.finish()
    done = bot.root("*my-shop* runs Medusa 1.0.0 after")
    assert done["ts"] == working["ts"] != ready["ts"]
    bot.slack.wait_for(lambda: "Data migrated and chart installed" in str(bot.slack.thread(done)))


def test_store_of_an_older_chart_offers_its_upgrade(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    bot.finish("0.9.0")
    root = bot.root("*my-shop* is ready")
    assert "version 1.0.0 of its chart" in buttons(root)["upgrade"]["confirm"]["text"]["text"]
    bot.slack.open_home("Dana")
    assert "'action_id': 'upgrade'" in str(home(bot, "my-shop")["blocks"])
    assert bot.slack.click("Dana", root, "upgrade").ok
    bot.slack.wait_for(lambda: "Upgrading *my-shop* to Medusa 1.0.0" in bot.whispered())
    bot.root("Upgrading *my-shop* to Medusa 1.0.0, ordered by")
    bot.finish()
    assert "upgrade" not in buttons(bot.root("runs Medusa 1.0.0"))


def test_failed_upgrade_is_reported_as_undone_and_can_be_retried(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store upgrade my-shop")
    bot.fail(PROBLEM, rolled_back=True)
    root = bot.root("*my-shop* could not be upgraded. It runs Medusa 1.0.0 again; nothing was lost.")
    assert {"retry", "open_shop", "open_admin", "credentials", "delete", "menu"} == set(buttons(root))
    failure = bot.root("could not be upgraded", "#store-failures")
    assert "nothing was lost" in failure["text"]
    bot.slack.wait_for(lambda: "The former version is back" in str(bot.slack.thread(root)))
    assert bot.slack.click("Dana", failure, "retry").ok
    bot.slack.wait_for(lambda: "A later job followed" in str(bot.root("could not be", "#store-failures")["blocks"]))
    bot.finish()
    bot.slack.wait_for(lambda: "Solved" in str(bot.root("could not be", "#store-failures")["blocks"]))
    bot.root("*my-shop* runs Medusa 1.0.0")


def test_upgrade_that_makes_no_sense_is_refused(bot: Bot) -> None:
    def upgrade(user: str = "Dana", name: str = "my-shop") -> str:
        return str(bot.slack.command(user, "#stores", f"/store upgrade {name}").json()["text"])

    bot.slack.command("Dana", "#stores", "/store create my-shop")
    assert "my-shop is being created right now." in upgrade()
    bot.finish()
    assert "belongs to" in upgrade("Oli")
    assert "applying the present settings" in upgrade("Ada")
    assert "my-shop is being upgraded right now." in upgrade()
    assert "There is no store called “my-shpo”. Did you mean my-shop?" in upgrade(name="my-shpo")


def test_deletion_stops_a_running_upgrade(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.command("Dana", "#stores", "/store upgrade my-shop")
    bot.work("namespace", "secrets")
    form = delete_form(bot, bot.root("Upgrading *my-shop*"))
    bot.slack.submit("Dana", form, {"name": "my-shop"})
    bot.root("Stopped upgrading *my-shop*")
    bot.finish()
    bot.root("*my-shop* is deleted")
