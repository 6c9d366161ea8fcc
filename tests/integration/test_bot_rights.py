"""Only a store's owner and admins manage it, and only the person who asked sees a credential link."""

from __future__ import annotations

import json
import re

import pytest

from provisioner.domain.store import StoreStatus
from tests.integration.bot_harness import ADA, DANA, OLI, Bot
from tests.integration.slack_steps import delete_form, ready_store, top_form

# --- rights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["delete", "credentials"])
def test_click_of_another_person_is_refused(bot: Bot, action: str) -> None:
    assert bot.slack.click("Oli", ready_store(bot), action).ok
    bot.slack.wait_for(lambda: f"*my-shop* belongs to <@{DANA}>" in bot.whispered("Oli"))
    assert bot.slack.views("Oli") == []


@pytest.mark.parametrize("command", ["delete my-shop", "credentials my-shop"])
def test_command_of_another_person_is_refused(bot: Bot, command: str) -> None:
    ready_store(bot)
    answer = bot.slack.command("Oli", "#stores", f"/store {command}").json()["text"]
    assert f"*my-shop* belongs to <@{DANA}>. Only its owner and admins may do that." in answer
    assert "/s/" not in answer


def test_submission_checks_rights_again(bot: Bot) -> None:
    ready_store(bot)
    ready_store(bot, "olis-shop", "Oli")
    bot.slack.command("Oli", "#stores", "/store delete olis-shop")
    form = top_form(bot, "Oli")
    dana_store = bot.store("my-shop")
    forged = {**form, "private_metadata": form["private_metadata"].replace(bot.store("olis-shop").id, dana_store.id)}
    payload = {
        "type": "view_submission",
        "user": {"id": OLI},
        "team": {"id": "T0LOCAL01"},
        "trigger_id": "1.2.3",
        "view": {**forged, "state": {"values": {"name": {"name": {"type": "plain_text_input", "value": "my-shop"}}}}},
    }
    answer = bot.signed({"payload": json.dumps(payload)})
    assert "belongs to" in answer.text
    assert bot.store("my-shop").status == StoreStatus.READY


def test_admin_manages_every_store(bot: Bot) -> None:
    form = delete_form(bot, ready_store(bot), "Ada")
    assert bot.slack.submit("Ada", form, {"name": "my-shop"}) is None
    bot.root(f"Deleting *my-shop*, ordered by <@{ADA}>")


# --- credentials -------------------------------------------------------------------------------------------------


def test_credential_link_is_shown_to_its_person_only(bot: Bot) -> None:
    root = ready_store(bot)
    assert bot.slack.click("Dana", root, "credentials").ok
    answer = bot.slack.wait_for(lambda: bot.whispered() if "/s/" in bot.whispered() else None)
    assert re.search(rf"<{bot.url}/s/[\w-]{{16}}#[\w-]{{43}}\|Show the admin credentials of my-shop>", answer)
    assert bot.whispered("Oli") == ""
    assert "#" not in str(bot.slack.messages("#stores")).replace("#stores", "")


def test_replayed_click_mints_no_second_link(bot: Bot) -> None:
    root = ready_store(bot)
    bot.slack.click("Dana", root, "credentials")
    answer = bot.slack.wait_for(lambda: bot.whispered() if "/s/" in bot.whispered() else None)
    link_id = answer.split("/s/")[1].split("#")[0]
    assert bot.slack.replay().ok
    bot.slack.wait_for(lambda: "You already got a link" in bot.whispered())
    link = bot.ledger.links.get(link_id)
    assert link is not None
    assert link.revoked_at is None


def test_store_that_was_never_ready_has_no_credentials(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    answer = bot.slack.command("Dana", "#stores", "/store credentials my-shop").json()["text"]
    assert "*my-shop* has no credentials yet: it is being created" in answer
