"""A store is given to another person, who is one of this workspace and has room for it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from provisioner.domain.limits import Limits
from provisioner.one_time_links import mint
from provisioner.orders import OrderContext, StoreRequest
from tests.integration.bot_harness import ADA, DANA, OLI, Bot, use_terminal
from tests.integration.slack_steps import home, ready_store, top_form

EVE = "U0EVE0001"


def typed(bot: Bot, words: str, user: str = "Dana") -> str:
    """The answer to `/store WORDS`."""
    return str(bot.slack.command(user, "#stores", f"/store {words}").json()["text"])


def test_store_is_given_to_a_mentioned_person_and_both_know(bot: Bot) -> None:
    ready_store(bot)
    assert typed(bot, "transfer my-shop @oli") == f"*my-shop* belongs to <@{OLI}> now."
    assert bot.store().owner == OLI
    bot.settled()
    [message] = bot.slack.dms("Oli")
    assert f"<@{DANA}> gave you the store *my-shop*" in message["text"]
    assert "Only its owner and admins may do that." in typed(bot, "restart my-shop")
    assert "Restarting" in typed(bot, "restart my-shop", "Oli")
    assert [row["reason"] for row in bot.audit() if row["detail"] == f"/store transfer my-shop <@{OLI}|oli>"] == [
        f"transferred to {OLI}"
    ]


def test_admin_transfers_and_the_former_owner_gets_a_message(bot: Bot) -> None:
    ready_store(bot)
    typed(bot, "transfer my-shop @oli", "Ada")
    bot.settled()
    assert bot.slack.dms("Dana")[-1]["text"] == f"<@{ADA}> transferred your store *my-shop* to <@{OLI}>."


@pytest.mark.parametrize("words", ["transfer my-shop", "transfer my-shop @olli"])
def test_form_asks_for_the_person(bot: Bot, words: str) -> None:
    ready_store(bot)
    assert bot.slack.command("Dana", "#stores", f"/store {words}").ok
    form = top_form(bot)
    assert "*my-shop* gets another owner" in str(form["blocks"])
    assert bot.slack.submit("Dana", form, {"owner": EVE}) == {
        "owner": "That person belongs to another workspace. Choose somebody else."
    }
    assert bot.slack.submit("Dana", form, {"owner": OLI}) is None
    assert bot.store().owner == OLI


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("transfer my-shop @storewright", "That is an app, and no person. Choose somebody else."),
        ("transfer my-shop @slackbot", "That is an app, and no person."),
        ("transfer my-shop @eve", "That person belongs to another workspace."),
        ("transfer my-shop <@U0NOBODY1>", "There is no such person in this workspace."),
        ("transfer my-shop @dana", "my-shop is theirs already."),
        ("transfer my-shop #stores", "The new owner is missing: mention a person."),
        ("transfer my-shop oli", "The new owner is missing: mention a person."),
        ("transfer my-shop @oli @ada", "I didn't expect"),
        ("transfer", "The name of a store is missing."),
        ("transfer no-shop @oli", "There is no store called “no-shop”."),
    ],
)
def test_whom_a_store_can_not_have_is_refused(bot: Bot, words: str, answer: str) -> None:
    ready_store(bot)
    assert answer in typed(bot, words)
    assert bot.store().owner == DANA


def test_deactivated_person_gets_no_store(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.deactivate("Oli")
    assert "That person's account is deactivated." in typed(bot, "transfer my-shop @oli")


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ({"kind": "error", "code": "missing_scope"}, "Ask an admin to reinstall the app"),
        ({"kind": "server_error"}, "Slack does not say who that is. It answers “http_500”. Try again in a moment."),
        ({"kind": "hang", "seconds": 5}, "Slack does not say who that is. It does not answer. Try again in a moment."),
    ],
)
def test_slack_that_does_not_say_who_somebody_is_transfers_nothing(
    bot: Bot, fault: dict[str, object], answer: str
) -> None:
    ready_store(bot)
    bot.settled()
    bot.slack.fault(str(fault["kind"]), "users.info", **{key: part for key, part in fault.items() if key != "kind"})
    assert answer in typed(bot, "transfer my-shop @oli")
    assert bot.store().owner == DANA


def test_person_with_as_many_stores_as_anybody_may_have_gets_no_more(bot: Bot) -> None:
    ready_store(bot)
    bot.orders.limits = Limits(stores_per_person=1)
    context = OrderContext(bot.orders.actor(OLI), "C0STORES1", "key")
    bot.orders.create(context, StoreRequest("other-shop", "medusa", {}))
    assert "They have as many stores as one person may have: 1." in typed(bot, "transfer my-shop @oli")


def test_links_of_the_former_owner_stop_working_and_both_homes_change(bot: Bot) -> None:
    ready_store(bot)
    for person in ("Dana", "Oli"):
        bot.slack.open_home(person)
    home(bot, "my-shop")
    link = mint(bot.ledger, bot.store(), DANA)
    typed(bot, "transfer my-shop @oli")
    found = bot.ledger.links.get(link.id)
    assert found
    assert found.revoked_at
    home(bot, "my-shop", "Oli")
    home(bot, "You have no stores yet")


def test_store_that_was_ordered_in_direct_messages_posts_in_those_of_its_new_owner(bot: Bot) -> None:
    bot.order(origin=DANA)
    bot.finish()
    typed(bot, "transfer my-shop @oli")
    assert bot.store().origin == OLI


def test_terminal_transfers_by_id(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    ready_store(bot)
    use_terminal(bot, monkeypatch)
    assert "is not a person's Slack id" in CliRunner().invoke(main, ["transfer", "my-shop", "oli"]).output
    assert "my-shop belongs to" in CliRunner().invoke(main, ["transfer", "my-shop", OLI]).output
    assert bot.store().owner == OLI
