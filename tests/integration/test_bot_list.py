"""`/store list` shows all stores, or those of a person, a type or a status; `/store status` shows one."""

from __future__ import annotations

import pytest

from tests.integration.bot_harness import DANA, OLI, Bot
from tests.integration.slack_steps import ready_store


def listed(bot: Bot, words: str, user: str = "Dana") -> str:
    """What the answer to `/store list WORDS` shows."""
    return str(bot.slack.command(user, "#stores", f"/store list {words}").json()["blocks"])


@pytest.fixture
def stores(bot: Bot) -> Bot:
    """Dana's bakery sleeps, her cafe is being created, and Oli's plain shop, too."""
    ready_store(bot, "bakery")
    bot.slack.command("Dana", "#stores", "/store pause bakery")
    bot.finish()
    bot.slack.command("Dana", "#stores", "/store create cafe medusa")
    bot.slack.command("Oli", "#stores", "/store create oils-shop plain")
    return bot


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("", {"bakery", "cafe", "oils-shop"}),
        ("all", {"bakery", "cafe", "oils-shop"}),
        ("mine", {"bakery", "cafe"}),
        ("@oli", {"oils-shop"}),
        ("medusa", {"bakery", "cafe"}),
        ("asleep", {"bakery"}),
        ("creating", {"cafe", "oils-shop"}),
        ("Mine Creating", {"cafe"}),
        ("plain creating @oli", {"oils-shop"}),
        ("plain asleep", set()),
    ],
)
def test_list_shows_the_chosen_stores(stores: Bot, words: str, names: set[str]) -> None:
    shown = listed(stores, words)
    assert {name for name in ("bakery", "cafe", "oils-shop") if f"*{name}*" in shown} == names


def test_list_names_the_choice(stores: Bot) -> None:
    assert f"*Stores of <@{DANA}>, type medusa, asleep*" in listed(stores, "mine medusa asleep")
    assert f"<@{OLI}>" in listed(stores, "plain"), "owners are shown where they differ"
    assert "Stores, failed: none. `/store list` shows all." in listed(stores, "failed")


@pytest.mark.parametrize("word", ["deleted", "sleepy", "@nobody", "#stores", "<b>"])
def test_word_that_is_no_filter_is_refused(stores: Bot, word: str) -> None:
    answer = listed(stores, word)
    assert "is no person, store type or status. I know medusa, plain, creating, ready, asleep" in answer
    assert "Usage: /store list [mine | @person] [TYPE] [STATUS]" in answer


def test_status_shows_owner_age_version_and_addresses(stores: Bot) -> None:
    answer = stores.slack.command("Oli", "#stores", "/store status bakery").json()["blocks"]
    [facts] = [block["elements"][0]["text"] for block in answer if "owned by" in str(block)]
    assert facts.startswith(f"Medusa 1.0.0 · owned by <@{DANA}> · created <!date^")
    assert (
        "<http://bakery.localhost:8081|http://bakery.localhost:8081> · <http://bakery.localhost:8081/app|admin>"
        in facts
    )
