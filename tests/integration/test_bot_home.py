"""App Home, stores that were adopted from the cluster, and channels in which the bot may not post."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest

from bot.rendering.home import FILTER_ACTION, NEXT_ACTION, PREVIOUS_ACTION
from bot.slack.rate_limiter import RATES
from provisioner.domain.policy import SCHEDULE, Actor
from provisioner.ledger.homes import HomeChoice
from provisioner.log_context import new_id
from provisioner.operations.backup import BACKUP
from provisioner.operations.restart import RESTART
from provisioner.orders import OrderContext
from tests.integration.bot_harness import DANA, OLI, RANDOM, STORES, Bot
from tests.integration.slack_steps import PROBLEM, buttons, delete_without_notice, home, ready_store, top_form
from tests.ledgers import add_many_stores
from tests.waiting import until

ENDS = (": ready", ": asleep", ": failed", ": expire within 3 days")
PROGRESS_SECONDS = RATES["views.publish"][1]


def test_messages_move_to_direct_messages_where_the_bot_may_not_post(bot: Bot) -> None:
    bot.slack.command("Dana", "#random", "/store create my-shop")
    bot.slack.wait_for(lambda: "so follow *my-shop* in" in bot.whispered(), what="the whisper about the move")
    bot.finish()
    bot.slack.wait_for(lambda: "*my-shop* is ready" in str(bot.slack.dms("Dana")))
    bot.settled()
    assert f"I'm not allowed to post in <#{RANDOM}>" in str(bot.slack.dms("Dana"))
    assert "Namespace created" in str(bot.slack.dms("Dana")), "the thread moved along"
    assert bot.slack.messages("#random") == []


def test_adopted_store_has_buttons_without_a_job(bot: Bot) -> None:
    ready_store(bot)
    found = replace(bot.store(), id="found", name="found-shop", options={"currency": "usd"})
    assert bot.ledger.stores.adopt(found)
    shown = bot.slack.command("Dana", "#stores", "/store status found-shop").json()
    assert "*found-shop* · Medusa · US dollar · ready" in shown["text"]
    assert {"open_shop", "open_admin", "credentials", "delete", "menu"} == set(buttons(shown))
    whisper = bot.slack.ephemerals("Dana", "#stores")[-1]
    bot.slack.click("Dana", whisper, "delete")
    assert bot.slack.submit("Dana", top_form(bot), {"name": "found-shop"}) is None
    bot.root("Deleting *found-shop*")


def test_home_starts_empty_and_is_kept_up_to_date(bot: Bot) -> None:
    bot.slack.open_home("Dana")
    empty = home(bot, "You have no stores yet")
    bot.slack.click("Dana", empty, "create")
    assert bot.slack.submit("Dana", top_form(bot), {"name": "my-shop", "type": "medusa"}) is None
    home(bot, "creating")
    bot.slack.wait_for(lambda: "Creating *my-shop*" in str(bot.slack.dms("Dana")), what="the root in the DM")
    bot.fail(PROBLEM)
    shown = home(bot, "can't be pulled")
    bot.slack.click("Dana", shown, "retry")
    bot.finish()
    home(bot, "http://my-shop.localhost:8081")
    home(bot, "1 of 10 stores used · 9 left")


def test_home_buttons_answer_in_a_form_of_their_own(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.open_home("Dana")
    shown = home(bot, "my-shop")
    bot.slack.click("Dana", shown, "credentials")
    assert "/s/" in str(top_form(bot)["blocks"])
    bot.slack.close("Dana")
    delete_without_notice(bot)
    bot.slack.click("Dana", shown, "delete")
    assert "was already deleted" in str(top_form(bot)["blocks"])


# --- the stores that a person chose --------------------------------------------------------------------------------


def options(view: dict[str, Any]) -> list[str]:
    """The entries of Home's menu; the chosen one first."""
    menu = buttons(view)[FILTER_ACTION]
    entries = [menu["initial_option"], *menu["options"]]
    return list(dict.fromkeys(str(entry["text"]["text"]) for entry in entries))


def names(view: dict[str, Any]) -> list[str]:
    """The stores on Home, in their order."""
    cards = [block for block in view["blocks"] if block["block_id"].startswith("store-")]
    return [re.sub(r".*: ", "", card["elements"][0]["accessibility_label"]) for card in cards]


def order_restart(bot: Bot, store_id: str) -> None:
    bot.orders.place(OrderContext(bot.orders.actor(DANA), STORES, new_id()), RESTART, store_id)


def test_menu_chooses_stores_and_the_choice_outlives_events_and_openings(bot: Bot) -> None:
    ready_store(bot, "bakery")
    ready_store(bot, "cafe")
    bot.slack.open_home("Dana")
    shown = home(bot, "cafe")
    assert options(shown)[0] == "My stores"
    assert "Everyone's stores" not in options(shown)
    bot.slack.command("Dana", "#stores", "/store pause bakery")
    bot.finish()
    bot.slack.click("Dana", shown, FILTER_ACTION, "mine/asleep/1")
    asleep = home(bot, "'initial_option': {'text': {'emoji': True, 'text': 'My stores: asleep'")
    assert names(asleep) == ["bakery"]
    bot.slack.command("Dana", "#stores", "/store pause cafe")
    assert "*In progress*" in str(home(bot, "pausing"))
    bot.finish()
    bot.settled()
    assert names(home(bot, "*cafe*")) == ["cafe", "bakery"], "an event keeps the choice"
    bot.slack.open_home("Dana")
    bot.settled()
    assert options(home(bot, "*cafe*"))[0] == "My stores: asleep"
    bot.slack.command("Dana", "#stores", "/store wake cafe")
    bot.finish()
    bot.slack.click("Dana", home(bot, "bakery"), FILTER_ACTION, "mine/failed/1")
    home(bot, "No store to show for *My stores: failed*.")


def test_pages_are_turned_and_kept_and_the_last_one_is_shown_after_it(bot: Bot) -> None:
    add_many_stores(bot.ledger, 41, DANA)
    bot.slack.open_home("Dana")
    bot.slack.click("Dana", home(bot, "Stores 1 to 20 of 41"), NEXT_ACTION)
    second = home(bot, "Stores 21 to 40 of 41")
    assert names(second) == [f"shop-{number}" for number in range(20, 0, -1)]
    order_restart(bot, "s40")
    assert "Stores 21 to 40 of 41" in str(home(bot, "*In progress*")), "an event keeps the page"
    bot.slack.click("Dana", home(bot, "*In progress*"), NEXT_ACTION)
    third = home(bot, "Stores 41 to 41 of 41")
    bot.slack.click("Dana", third, PREVIOUS_ACTION)
    bot.slack.click("Dana", home(bot, "Stores 21 to 40"), NEXT_ACTION)
    home(bot, "Stores 41 to 41 of 41")
    with bot.ledger.transaction() as db:
        db.execute("UPDATE stores SET status = 'deleted' WHERE created_at < 10")
    bot.ledger.homes.refresh(DANA)
    home(bot, "Stores 21 to 31 of 31")


def test_replayed_click_turns_no_page_back(bot: Bot) -> None:
    add_many_stores(bot.ledger, 61, DANA)
    bot.slack.open_home("Dana")
    home(bot, "Stores 1 to 20")
    click = {"type": "block_actions", "user": {"id": DANA}, "trigger_id": "1.2.x", "view": {"id": "V1", "hash": "h"}}
    first = {"payload": json.dumps({**click, "actions": [{"action_id": NEXT_ACTION, "value": "mine/all/2"}]})}
    assert bot.signed(first).status_code == 200
    bot.slack.click("Dana", home(bot, "Stores 21 to 40"), NEXT_ACTION)
    home(bot, "Stores 41 to 60")
    assert bot.signed(first).status_code == 200
    bot.settled()
    assert bot.ledger.homes.choice(DANA).page == 3


def test_admins_see_everyones_stores_and_jobs_with_their_owners(bot: Bot) -> None:
    ready_store(bot, "bakery")
    bot.slack.open_home("Ada")
    shown = home(bot, "no stores yet", "Ada")
    assert options(shown)[5:] == [f"Everyone's stores{end}" for end in ("", *ENDS)]
    bot.slack.click("Ada", shown, FILTER_ACTION, "everyone/all/1")
    assert f"ready · <@{DANA}>" in str(home(bot, "*bakery*", "Ada"))
    bot.slack.command("Oli", "#stores", "/store create oils-shop plain")
    home(bot, "*In progress*", "Ada")
    bot.fail(PROBLEM)
    failed = home(bot, "could not be created", "Ada")
    bot.slack.click("Ada", failed, "retry")
    home(bot, "*In progress*", "Ada")
    bot.finish()
    assert "could not be created" not in str(home(bot, f"*oils-shop* · Plain · Red · ready · <@{OLI}>", "Ada"))


@pytest.mark.parametrize("value", ["everyone/all/1", "mine/odd/1", "mine/all/0", "x" * 2000, "", "mine/all/1/../2"])
def test_choice_that_nobody_offered_is_refused_and_changes_nothing(bot: Bot, value: str) -> None:
    ready_store(bot)
    bot.slack.open_home("Dana")
    home(bot, "my-shop")
    click = {
        "type": "block_actions",
        "user": {"id": DANA},
        "trigger_id": "1.2.x",
        "view": {"id": "V1"},
    }
    chosen = [{"action_id": FILTER_ACTION, "selected_option": {"value": value}}]
    assert bot.signed({"payload": json.dumps({**click, "actions": chosen})}).status_code == 200
    until("the refusal", lambda: [row["outcome"] for row in bot.audit() if row["action"] == "click"] == ["refused"])
    assert bot.ledger.homes.choice(DANA) == HomeChoice()


def test_admin_of_former_times_sees_only_stores_of_their_own(bot: Bot) -> None:
    ready_store(bot, "bakery")
    bot.ledger.homes.choose(OLI, HomeChoice(everyone=True))
    home(bot, "no stores yet", "Oli")


def test_failed_daily_backup_is_shown_and_retried(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.open_home("Dana")
    home(bot, "my-shop")
    schedule = OrderContext(Actor(SCHEDULE, is_admin=True), "", new_id(), quiet=True)
    bot.orders.place(schedule, BACKUP, bot.store().id)
    bot.fail(PROBLEM)
    failed = home(bot, "*my-shop* could not be backed up")
    assert "can't be pulled" in str(failed)
    bot.slack.click("Dana", failed, "retry")
    bot.finish()
    bot.settled()
    assert "could not be" not in str(home(bot, "ready"))


# --- how often it is published -------------------------------------------------------------------------------------


def publications(bot: Bot) -> float:
    labels = {"method": "views.publish", "outcome": "ok"}
    return bot.metrics.registry.get_sample_value("storewright_slack_calls_total", labels) or 0


def test_unchanged_home_is_not_published_again(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.open_home("Dana")
    home(bot, "my-shop")
    bot.settled()
    before = publications(bot)
    for _ in range(3):
        bot.ledger.homes.refresh(DANA)
        bot.slack.open_home("Dana")
        bot.settled()
    assert publications(bot) == before


def test_progress_is_published_seldom_and_pages_are_turned_at_once(paced_bot: Bot) -> None:
    add_many_stores(paced_bot.ledger, 61, DANA)
    paced_bot.slack.open_home("Dana")
    home(paced_bot, "Stores 1 to 20")
    before, began = publications(paced_bot), time.monotonic()
    order_restart(paced_bot, "s60")
    job = paced_bot.claim()
    for stage in RESTART.stage_names:
        paced_bot.complete(job, stage)
        time.sleep(0.2)
    clicked = time.monotonic()
    paced_bot.slack.click("Dana", home(paced_bot, "Stores 1 to 20"), NEXT_ACTION)
    assert "*In progress*" in str(home(paced_bot, "Stores 21 to 40"))
    assert time.monotonic() - clicked < PROGRESS_SECONDS
    paced_bot.journal.succeed(job)
    home(paced_bot, "Stores 21 to 40")
    paced_bot.settled()
    most = 2 + (time.monotonic() - began) / PROGRESS_SECONDS  # the click, and one of the progress at once
    assert publications(paced_bot) - before <= most
    assert "*In progress*" not in str(paced_bot.slack.home("Dana"))
