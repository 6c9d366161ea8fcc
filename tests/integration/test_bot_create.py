"""Stores are created by a command or by the form, through the whole bot."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.integration.bot_harness import STORES, Bot
from tests.integration.slack_steps import buttons, create_form, ready_store, top_form
from tests.waiting import until

# --- by a command ------------------------------------------------------------------------------------------------


@pytest.mark.alone  # it measures time
def test_create_is_answered_at_once_and_progress_edits_one_message(paced_bot: Bot) -> None:
    typed_at = time.monotonic()
    ack = paced_bot.slack.command("Dana", "#stores", "/store create my-shop medusa")
    assert ack.ok
    assert "Creating *my-shop* (Medusa)" in ack.json()["text"]
    assert ack.json()["response_type"] == "ephemeral"
    root = paced_bot.root("Creating *my-shop*")
    assert time.monotonic() - typed_at < 1
    job = paced_bot.work("namespace", "secrets")
    paced_bot.slack.wait_for(
        lambda: "Passwords and keys generated" in str(paced_bot.slack.thread(root)), 5, "the first stages"
    )
    paced_bot.complete(job, "release", "database", "application", "storefront", "check")
    paced_bot.journal.succeed(job)
    ready = paced_bot.root("*my-shop* is ready after")
    paced_bot.settled()
    assert ready["ts"] == root["ts"]
    assert len(paced_bot.slack.messages("#stores")) == 1
    posts = [m["text"] for m in paced_bot.slack.thread(ready)[1:]]
    assert len(posts) <= 4, "stages that end together share a post"
    assert "".join(posts).count("Namespace created") == 1
    assert "A cart holds a product with a price" in posts[-1]


def test_ready_store_offers_its_addresses_and_actions(bot: Bot) -> None:
    offered = buttons(ready_store(bot))
    assert offered["open_shop"]["url"] == "http://my-shop.localhost:8081"
    assert offered["open_admin"]["url"] == "http://my-shop.localhost:8081/app"
    assert set(offered) == {"open_shop", "open_admin", "credentials", "delete", "menu"}
    assert bot.slack.click("Dana", bot.root("is ready"), "open_shop").ok


def test_command_takes_options_by_value_or_label(bot: Bot) -> None:
    ack = bot.slack.command("Dana", "#stores", "/store create my-shop medusa currency=us dollar color=#1F5F8B")
    assert "Creating *my-shop* (Medusa)" in ack.json()["text"]
    assert "Medusa · US dollar · Ocean · Ordered by" in str(bot.root("Creating *my-shop*")["blocks"])
    bot.finish()
    bot.root("*my-shop* is ready")
    assert "US dollar · Ocean" in str(bot.slack.command("Oli", "#stores", "/store status my-shop").json()["blocks"])


def test_twenty_commands_at_once_are_all_acknowledged(bot: Bot) -> None:
    acks = []

    def order(number: int) -> None:
        acks.append(bot.slack.command("Dana", "#stores", f"/store status shop-{number}"))

    threads = [threading.Thread(target=order, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [ack.error for ack in acks] == [None] * 20


# --- by the form -------------------------------------------------------------------------------------------------


def test_form_orders_a_store(bot: Bot) -> None:
    form = create_form(bot)
    assert bot.slack.submit("Dana", form, {"name": "My Shop", "type": "medusa"}) == {
        "name": "“My Shop” can't be a store's name. A store name has 3 to 30 of a-z, 0-9 and -, starts with a letter "
        "and does not end with -. Try my-shop."
    }
    assert bot.slack.submit("Dana", form, {"name": "my-shop", "type": "medusa"}) is None
    bot.root("Creating *my-shop*")
    bot.slack.wait_for(lambda: "Creating *my-shop* (Medusa)" in bot.whispered())
    assert bot.slack.views("Dana") == []


def choose_type(bot: Bot, form: dict[str, Any], type_name: str, values: dict[str, str]) -> dict[str, Any]:
    """The form after another type was chosen in it."""
    assert bot.slack.click("Dana", form, "type", type_name, values).ok
    changed = bot.slack.wait_for(lambda: [v for v in bot.slack.views("Dana") if v["hash"] != form["hash"]])
    return dict(changed[-1])


def menus(form: dict[str, Any]) -> dict[str, str]:
    """The preset value of each menu in the form, by block id."""
    inputs = [block for block in form["blocks"] if block["type"] == "input"]
    return {b["block_id"]: b["element"]["initial_option"]["value"] for b in inputs if "options" in b["element"]}


def test_form_shows_options_of_the_chosen_type_and_keeps_entered_values(bot: Bot) -> None:
    form = create_form(bot)
    of_medusa = {
        "type": "medusa",
        "option/medusa/currency": "eur",
        "option/medusa/color": "#2f6f4f",
        "expiry": "default",
    }
    assert menus(form) == of_medusa
    ocean = {"name": "my-shop", "option/medusa/currency": "usd", "option/medusa/color": "#1f5f8b"}
    plain = choose_type(bot, form, "plain", ocean)
    assert plain["id"] == form["id"]
    of_plain = {"type": "plain", "option/plain/color": "#1f5f8b", "expiry": "default"}
    assert menus(plain) == of_plain, "both types have the choice Ocean"
    medusa = choose_type(bot, plain, "medusa", {"option/plain/color": "red"})
    assert menus(medusa) == of_medusa
    assert bot.slack.submit("Dana", medusa, {"option/medusa/color": "#1f5f8b"}) is None, "the name is still there"
    root = bot.root("Creating *my-shop*")
    assert "Medusa · Euro (€) · Ocean · Ordered by" in str(root["blocks"])
    assert bot.store().options == {"currency": "eur", "color": "#1f5f8b"}
    assert bot.store().origin == STORES, "the form still knows where it was opened"


def test_form_submitted_before_it_showed_the_new_options_orders_the_chosen_type(bot: Bot) -> None:
    form = create_form(bot)
    ocean = {"option/medusa/color": "#1f5f8b", "option/medusa/currency": "usd"}
    assert bot.slack.submit("Dana", form, {"name": "my-shop", "type": "plain", **ocean}) is None
    until("the store", lambda: bot.ledger.stores.named("my-shop"))
    assert bot.store().options == {"color": "#1f5f8b"}


def test_option_that_the_chosen_type_lacks_is_an_error_at_its_field(bot: Bot) -> None:
    form = create_form(bot)
    errors = bot.slack.submit("Dana", form, {"name": "my-shop", "type": "plain"})
    assert errors == {"option/medusa/color": "“#2f6f4f” is not a valid colour. Choose from: red, Ocean."}


def test_form_that_changed_in_slack_meanwhile_stays_as_it_is(bot: Bot) -> None:
    form = create_form(bot)
    bot.slack.fault("error", "views.update", code="hash_conflict")
    assert bot.slack.click("Dana", form, "type", "plain").ok
    until("the audit", lambda: [r for r in bot.audit() if r["detail"] == "type plain"])
    assert bot.slack.views("Dana")[-1]["hash"] == form["hash"]
    assert bot.slack.submit("Dana", form, {"name": "my-shop"}) is None


def test_form_shows_a_taken_name_at_its_field(bot: Bot) -> None:
    ready_store(bot)
    form = create_form(bot, "Oli")
    errors = bot.slack.submit("Oli", form, {"name": "my-shop", "type": "medusa"})
    assert errors == {"name": "There is already a store called my-shop. Choose another name."}


def test_form_that_slack_does_not_open_is_reported(bot: Bot) -> None:
    bot.slack.fault("error", "views.open", code="expired_trigger_id")
    assert bot.slack.command("Dana", "#stores", "/store create").ok
    bot.slack.wait_for(lambda: "Slack did not open the form" in bot.whispered())


def test_form_looks_at_the_name_while_it_is_typed(bot: Bot) -> None:
    ready_store(bot, "taken-shop")
    form = create_form(bot)
    for typed, note in (
        ("Taken", ":x: “Taken” can't be a store's name."),
        ("taken-shop", ":x: There is already a store called taken-shop. Choose another name."),
        ("free-shop", ":white_check_mark: The name is free: http://free-shop.localhost:8081"),
    ):
        assert bot.slack.click("Dana", form, "name", typed).ok
        form = bot.slack.wait_for(lambda note=note: _form_with(bot, note), what=note)  # type: ignore[misc]
    assert [row["action"] for row in bot.audit(2)] == ["command", "command"], "typing asks for nothing yet"
    assert "You have 1 of 10 stores. A Medusa store is usually ready after" in str(form["blocks"])
    assert bot.slack.submit("Dana", form, {"name": "free-shop"}) is None
    assert bot.store("free-shop")


def _form_with(bot: Bot, text: str) -> dict[str, Any] | None:
    form = top_form(bot)
    return form if text in str(form["blocks"]) else None
