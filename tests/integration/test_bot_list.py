"""`/store list` shows all stores, or those of a person, a type or a status; `/store status` shows one."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.bot_harness import DANA, OLI, Bot
from tests.integration.slack_steps import ready_store


def listed(bot: Bot, words: str, user: str = "Dana") -> str:
    """What the answer to `/store list WORDS` shows."""
    return str(bot.answered(f"/store list {words}", user)["blocks"])


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
    assert {name for name in ("bakery", "cafe", "oils-shop") if f"'text': '{name}'" in shown} == names


def test_list_names_the_choice(stores: Bot) -> None:
    assert f"*Stores of <@{DANA}>, type medusa, asleep*" in listed(stores, "mine medusa asleep")
    assert f"'user_id': '{OLI}'" in listed(stores, "plain")
    assert "Stores, failed: none. `/store list` shows all." in listed(stores, "failed")


def test_list_is_lines_where_slack_takes_no_tables(stores: Bot) -> None:
    stores.slack.fault("invalid_blocks", "response_url", times=0, block_types=["data_table"])
    shown = listed(stores, "")
    assert ":zzz: *bakery* — asleep" in shown
    assert "data_table" not in shown


def test_list_is_a_table_that_people_sort_filter_and_page(stores: Bot, browser: Browser) -> None:
    for number in range(8):
        stores.order(f"shop-{number}")
    page = browser.new_page()
    page.goto(stores.slack.workspace_url)
    stores.slack.command("Dana", "#stores", "/store list")
    table = page.get_by_role("table", name="Stores")
    names = table.get_by_role("rowheader")
    expect(names).to_have_count(10)
    page.get_by_role("button", name="Next").click()
    expect(names).to_have_text(["oils-shop"])
    page.get_by_role("button", name="Previous").click()
    page.get_by_role("button", name="State").click()
    expect(table.get_by_role("row").nth(1)).to_contain_text("asleep")
    page.get_by_role("searchbox").fill("shop-3")
    expect(names).to_have_text(["shop-3"])
    page.close()


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
