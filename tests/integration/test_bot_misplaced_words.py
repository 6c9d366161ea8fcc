"""Words in the wrong place: the answer asks for what is missing, or suggests a command that works."""

from __future__ import annotations

import re

import pytest

from tests.integration.bot_harness import Bot
from tests.integration.slack_steps import ready_store, top_form


def answer(bot: Bot, typed: str, user: str = "Dana") -> str:
    return str(bot.slack.command(user, "#stores", typed).json().get("text", ""))


# --- a type without a name ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "preset"),
    [
        ("/store create medusa", {"type": "medusa", "option/medusa/currency": "eur"}),
        ("/store create medusa currency=usd", {"type": "medusa", "option/medusa/currency": "usd"}),
        ("/store create MEDUSA currency=US dollar", {"type": "medusa", "option/medusa/currency": "usd"}),
        ("/store create plain", {"type": "plain", "option/plain/color": "red"}),
        ("/store create medusa plain", {"type": "plain"}),
        ("/store create type=plain", {"type": "plain"}),
    ],
)
def test_type_without_a_name_asks_for_the_name(bot: Bot, typed: str, preset: dict[str, str]) -> None:
    assert bot.slack.command("Dana", "#stores", typed).ok
    form = top_form(bot)
    assert f"{preset['type']} is a type. What shall the store be called?" in str(form["blocks"])
    menus = {block["block_id"]: block["element"] for block in form["blocks"] if block["type"] == "input"}
    assert {block_id: menus[block_id]["initial_option"]["value"] for block_id in preset} == preset
    assert menus["name"]["focus_on_load"]
    assert bot.slack.submit("Dana", form, {"name": "my-shop"}) is None
    bot.root("Creating *my-shop*")
    assert bot.store().type == preset["type"]


def test_question_disappears_when_another_type_is_chosen(bot: Bot) -> None:
    assert bot.slack.command("Dana", "#stores", "/store create medusa").ok
    form = top_form(bot)
    assert bot.slack.click("Dana", form, "type", "plain", {"name": "my-shop"}).ok
    changed = bot.slack.wait_for(lambda: [v for v in bot.slack.views("Dana") if v["hash"] != form["hash"]])[-1]
    assert "What shall the store be called?" not in str(changed["blocks"])
    assert bot.slack.submit("Dana", changed, {}) is None


def test_wrong_option_of_a_type_without_a_name_is_refused(bot: Bot) -> None:
    assert "“uds” is not a valid currency." in answer(bot, "/store create medusa currency=uds")
    assert bot.slack.views("Dana") == []


@pytest.mark.parametrize("name", ["medusa", "plain"])
def test_store_is_not_named_like_a_type(bot: Bot, name: str) -> None:
    assert bot.slack.command("Dana", "#stores", "/store create").ok
    errors = bot.slack.submit("Dana", top_form(bot), {"name": name})
    assert errors == {"name": f"“{name}” is a store type. A store has a name of its own. Try my-{name}."}


# --- other places ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "/store create medusa my-shop",
        "/store create my-shop type=medusa",
        "/store create “my-shop” medusa",
        "/store create *my-shop* `medusa`",
    ],
)
def test_order_with_its_words_in_another_order_creates_the_store(bot: Bot, typed: str) -> None:
    assert "Creating *my-shop* (Medusa)" in answer(bot, typed)
    assert (bot.store().name, bot.store().type) == ("my-shop", "medusa")


@pytest.mark.parametrize(
    ("typed", "suggestion"),
    [
        ("/store medusa create new-shop", "/store create new-shop medusa"),
        ("/store plain new-shop", "/store create new-shop plain"),
        ("/store my-shop", "/store status my-shop"),
        ("/store my-shop status", "/store status my-shop"),
        ("/store http://my-shop.localhost:8081/", "/store status http://my-shop.localhost:8081/"),
        ("/store create status my-shop", "/store status my-shop"),
        ("/store create new-shop usd", "currency=usd"),
        ("/store create new-shop ocean", "color=Ocean"),
    ],
)
def test_suggested_command_works(bot: Bot, typed: str, suggestion: str) -> None:
    ready_store(bot)
    assert f"Did you mean {suggestion}?" in answer(bot, typed)
    command = suggestion if suggestion.startswith("/") else f"/store create new-shop {suggestion}"
    assert re.search(r"\*(my|new)-shop\*", answer(bot, command))


@pytest.mark.parametrize(
    "name",
    [
        "http://my-shop.localhost:8081",
        "http://my-shop.localhost:8081/app?x=1",
        "<http://my-shop.localhost:8081|my-shop.localhost:8081>",
        "<http://my-shop.localhost:8081/>",
        "my-shop.localhost",
        "My-Shop.localhost:8081/app",
        "“my-shop”",
        "`my-shop`",
        "*my-shop*",
        "'my-shop'",
        "«my-shop»",
    ],
)
def test_store_is_found_by_its_address_and_in_quotes(bot: Bot, name: str) -> None:
    ready_store(bot)
    assert "*my-shop* is ready" in answer(bot, f"/store status {name}")
    assert "Restarting *my-shop*." in answer(bot, f"/store restart {name}")


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("http://other-shop.localhost:8081", "There is no store called “http://other-shop.localhost:8081”."),
        ("my-shop.example.com", "There is no store called “my-shop.example.com”. Did you mean my-shop?"),
        ("<@U0DANA001|dana>", "“@dana” is a person, and no store. Usage: /store delete NAME"),
        ("@dana", "“@dana” is a person, and no store."),
        ("<#C0STORES1|stores>", "is a channel, and no store."),
        ("#stores", "is a channel, and no store."),
        ("medusa", "There is no store called “medusa”. “medusa” is a store type."),
        ("", "The name of a store is missing. Usage: /store delete NAME"),
    ],
)
def test_other_words_in_place_of_a_name_are_refused(bot: Bot, name: str, reply: str) -> None:
    ready_store(bot)
    assert reply in answer(bot, f"/store delete {name}")
    assert bot.slack.views("Dana") == []


@pytest.mark.parametrize(
    ("typed", "reply"),
    [
        ("/store create http://my-shop.localhost:8081", "is an address. A name is its first part. Try my-shop."),
        ("/store create my-shop.localhost medusa", "is an address. A name is its first part. Try my-shop."),
        ("/store create <https://my-shop.localhost|my-shop.localhost>", "Try my-shop."),
        ("/store create @dana", "“@dana” is a person, and no store."),
        ("/store create currency=usd my-shop", "The name of the store comes first, then its options."),
        ("/store create delete my-shop", "“delete” is a command. Did you mean /store delete my-shop?"),
        ("/store create my–shop", "Try my-shop."),
    ],
)
def test_other_words_in_place_of_a_new_name_are_refused(bot: Bot, typed: str, reply: str) -> None:
    assert reply in answer(bot, typed)
    assert bot.ledger.stores.all() == []
