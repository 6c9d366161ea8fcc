"""Clicks on messages and forms of the former version, and on menus: each works or is answered politely."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.rendering.offers import FORMER_MENU_ACTION
from tests.integration.bot_harness import ADA, DANA, OLI, STORES, Bot
from tests.integration.slack_steps import PROBLEM, buttons, ready_store, top_form
from tests.waiting import until

OUTDATED = "This is from an older version of me."


def click(bot: Bot, user: str = DANA, **action: Any) -> None:
    """Click on a message that the local Slack does not have. Nobody sees the answer, but the audit log has it."""
    payload = {
        "type": "block_actions",
        "user": {"id": user},
        "team": {"id": "T0LOCAL01"},
        "trigger_id": f"{len(bot.audit())}.former.click",
        "channel": {"id": STORES},
        "response_url": "",
        "message": {"ts": "1.2", "text": "a message of the former version"},
        "actions": [{"type": "button", "block_id": "actions", **action}],
    }
    before = len(bot.audit())
    assert bot.signed({"payload": json.dumps(payload)}).status_code == 200
    until("the audit row", lambda: len(bot.audit()) > before)


def outcome(bot: Bot) -> tuple[str, str, str]:
    """Outcome, reason and store of the newest request."""
    row = bot.audit(1)[0]
    return row["outcome"], row["reason"], row["store"]


def failed_store(bot: Bot) -> str:
    """A store whose creation failed; the value of its buttons."""
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    job = bot.fail(PROBLEM)
    return f"{job.store_id}/{job.id}"


# --- buttons: the value is <store id>/<job id> -------------------------------------------------------------------


@pytest.mark.parametrize("action", ["open_shop", "open_admin"])
def test_former_link_button_is_accepted(bot: Bot, action: str) -> None:
    click(bot, action_id=action, value=buttons(ready_store(bot))["delete"]["value"])
    assert outcome(bot)[:2] == ("answered", "opened")


def test_former_retry_button_orders_the_job_again(bot: Bot) -> None:
    value = failed_store(bot)
    click(bot, action_id="retry", value=value)
    assert (outcome(bot)[0], outcome(bot)[2]) == ("ordered", "my-shop")
    assert bot.claim().retry_of == value.partition("/")[2]


def test_former_upgrade_button_orders_the_upgrade(bot: Bot) -> None:
    bot.slack.command("Dana", "#stores", "/store create my-shop")
    job = bot.finish("0.9.0")
    click(bot, action_id="upgrade", value=f"{job.store_id}/{job.id}")
    assert outcome(bot)[0] == "ordered"
    assert bot.finish().kind == "upgrade"


@pytest.mark.parametrize("action", ["delete", "credentials", "upgrade", "retry"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [("unknown/unknown", "That store no longer exists."), ("", "That store no longer exists.")],
    ids=["unknown store", "no value"],
)
def test_former_button_of_an_unknown_store_is_refused(bot: Bot, action: str, value: str, reason: str) -> None:
    click(bot, action_id=action, **({"value": value} if value else {}))
    assert outcome(bot)[:2] == ("refused", reason)


def test_former_button_of_a_deleted_store_names_who_deleted_it(bot: Bot) -> None:
    ready_store(bot)
    value = f"{bot.store().id}/unknown"
    bot.order_deletion(by=ADA)
    bot.finish()
    click(bot, action_id="delete", value=value)
    assert outcome(bot) == ("refused", f"my-shop was already deleted by {ADA}.", "my-shop")


def test_former_retry_button_of_an_earlier_job_is_refused(bot: Bot) -> None:
    value = failed_store(bot)
    click(bot, action_id="retry", value=value)
    bot.finish()
    click(bot, action_id="retry", value=value)
    assert outcome(bot) == ("refused", "There is nothing to retry for my-shop: it is ready.", "my-shop")


@pytest.mark.parametrize("action", ["delete", "credentials"])
def test_former_buttons_open_the_form_or_give_the_link(bot: Bot, action: str) -> None:
    """Clicked in the local Slack, in a message that has them as the former version made them."""
    root = ready_store(bot)
    assert bot.slack.click("Dana", root, action).ok
    if action == "delete":
        assert bot.slack.submit("Dana", top_form(bot), {"name": "my-shop"}) is None
        bot.root("Deleting *my-shop*")
    else:
        bot.slack.wait_for(lambda: "/s/" in bot.whispered())


@pytest.mark.parametrize("action", ["archive", "open", "more:delete", "Delete"])
def test_unknown_button_is_answered_politely(bot: Bot, action: str) -> None:
    click(bot, action_id=action, value="x/y")
    assert outcome(bot)[0] == "refused"
    assert outcome(bot)[1].startswith(OUTDATED)


def test_unknown_form_is_answered_politely(bot: Bot) -> None:
    view = {"id": "V1", "callback_id": "archive", "private_metadata": "{}", "state": {"values": {}}}
    payload = {"type": "view_submission", "user": {"id": DANA}, "view": view}
    answer = bot.signed({"payload": json.dumps(payload)})
    assert answer.status_code == 200
    assert answer.json()["response_action"] == "update"
    assert OUTDATED in json.dumps(answer.json()["view"])


def test_open_form_of_the_former_version_orders_the_deletion(bot: Bot) -> None:
    ready_store(bot)
    metadata = json.dumps({"channel": STORES, "response_url": "", "store_id": bot.store().id})
    view = {
        "id": "V1",
        "hash": "1.a",
        "callback_id": "delete",
        "private_metadata": metadata,
        "state": {"values": {"name": {"name": {"type": "plain_text_input", "value": "my-shop"}}}},
    }
    payload = {"type": "view_submission", "user": {"id": DANA}, "view": view}
    assert bot.signed({"payload": json.dumps(payload)}).status_code == 200
    bot.root("Deleting *my-shop*")


# --- the overflow menu: the chosen value is <action id>:<store id>/<job id> --------------------------------------


def choose(bot: Bot, value: str, user: str = DANA) -> None:
    """Choose an item of the overflow menu that a former version's message has."""
    option = {"text": {"type": "plain_text", "text": "An item"}, "value": value}
    click(bot, user, type="overflow", action_id=FORMER_MENU_ACTION, selected_option=option)


def test_menu_item_reaches_its_handler(bot: Bot) -> None:
    value = buttons(ready_store(bot))["delete"]["value"]
    choose(bot, f"restart:{value}")
    until("the order", lambda: bot.queued_jobs() == [("restart", 1)])
    assert bot.audit(1)[0]["detail"] == f"restart {value}"


def test_menu_item_of_any_verb_reaches_its_handler(bot: Bot) -> None:
    choose(bot, f"retry:{failed_store(bot)}")
    assert (outcome(bot)[0], outcome(bot)[2]) == ("ordered", "my-shop")


def test_menu_item_of_another_person_is_refused(bot: Bot) -> None:
    choose(bot, f"restart:{buttons(ready_store(bot))['delete']['value']}", OLI)
    assert outcome(bot)[:2] == ("refused", f"my-shop belongs to {DANA}. Ask its owner or an admin.")
    assert bot.queued_jobs() == []


@pytest.mark.parametrize("value", ["archive:x/y", "restart", ":", "x", "more:restart:x/y"])
def test_unknown_menu_item_is_answered_politely(bot: Bot, value: str) -> None:
    choose(bot, value)
    assert outcome(bot)[0] == "refused"
    assert outcome(bot)[1].startswith((OUTDATED, "That store no longer exists."))
