"""Bad input, replays and errors: each is answered at once, audited, and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.slack import LocalSlack
from provisioner.domain.limits import Limits
from tests.integration.bot_harness import DANA, OLI, STORES, Bot, running_bot
from tests.integration.slack_steps import buttons, ready_store
from tests.waiting import until


@pytest.fixture(scope="module")
def idle_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """For tests that change nothing."""
    with LocalSlack(rate_limits={}) as slack, running_bot(tmp_path_factory.mktemp("idle"), slack) as running:
        yield running


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (
            "/store create my-shop meduza",
            "There is no store type “meduza”. Known types: medusa, plain. Did you mean medusa?",
        ),
        (
            "/store create my-shop currency=uds",
            "“uds” is not a valid currency. Choose from: eur, usd. Did you mean usd?",
        ),
        ("/store create my-shop plain currency=usd", "There is no option “currency”. The options are: color."),
        ("/store create my-shop color=<!here>", "“&lt;!here&gt;” is not a valid colour."),
        ("/store create 🛍️", "can't be a store's name"),
        ("/store create ../etc", "can't be a store's name"),
        ("/store create <!channel>", "“&lt;!channel&gt;” can't be"),
        ("/store create admin", "“admin” is reserved."),
        ("/store destroy my-shop", "I don't know “destroy”."),
        ("/store delet my-shop", "Did you mean /store delete NAME [now]?"),
        ("/store status nope", "There is no store called “nope”."),
        ("/store list twice", "“twice” is no person, store type or status. I know medusa, plain"),
    ],
)
def test_bad_input_is_answered_at_once_and_changes_nothing(idle_bot: Bot, typed: str, answer: str) -> None:
    ack = idle_bot.slack.command("Dana", "#stores", typed)
    assert answer in ack.json()["text"]
    assert idle_bot.ledger.stores.all() == []
    assert idle_bot.slack.messages("#stores") == []


def test_misspelt_name_is_answered_with_the_nearest_one(bot: Bot) -> None:
    ready_store(bot)
    assert "Did you mean my-shop?" in bot.slack.command("Dana", "#stores", "/store status my-shpo").json()["text"]


def test_name_in_use_is_refused_with_the_state_of_its_store(bot: Bot) -> None:
    def order() -> str:
        return str(bot.slack.command("Oli", "#stores", "/store create my-shop").json()["text"])

    bot.slack.command("Dana", "#stores", "/store create my-shop")
    assert "A store called my-shop is already being created." in order()
    bot.finish()
    assert "There is already a store called my-shop." in order()
    bot.order_deletion()
    assert "A store called my-shop is being deleted." in order()
    bot.finish()
    assert "Creating *my-shop*" in order()


def test_limit_is_refused_with_the_time_of_the_next_order(tmp_path: Path, slack: LocalSlack) -> None:
    with running_bot(tmp_path, slack, limits=Limits(2, 3)) as bot:
        for name in ("one-shop", "two-shop"):
            slack.command("Dana", "#stores", f"/store create {name}")
        answer = slack.command("Dana", "#stores", "/store create three-shop").json()["text"]
        assert "You have 2 stores, and 2 is the limit for one person." in answer
        bot.order_deletion("one-shop")
        slack.command("Dana", "#stores", "/store create three-shop")
        bot.order_deletion("two-shop")
        answer = slack.command("Dana", "#stores", "/store create four-shop").json()["text"]
        assert "You can order the next one in 60 min." in answer
        assert "<!date^" in answer


# --- replays -----------------------------------------------------------------------------------------------------


def test_replayed_command_gets_the_same_answer_and_orders_nothing(bot: Bot) -> None:
    first = bot.slack.command("Dana", "#stores", "/store create my-shop")
    again = bot.slack.replay()
    assert again.body == first.body
    assert bot.queued_jobs() == [("create", 1)]
    bot.settled()
    assert len(bot.slack.messages("#stores")) == 1


def test_command_delivered_twice_at_once_orders_one_store(bot: Bot) -> None:
    bot.slack.fault("duplicate")
    assert bot.slack.command("Dana", "#stores", "/store create my-shop").ok
    bot.settled()
    assert bot.queued_jobs() == [("create", 1)]
    assert len(bot.slack.messages("#stores")) == 1


# --- errors and the audit log ------------------------------------------------------------------------------------


def test_commands_are_answered_while_the_web_api_is_unreachable(bot: Bot) -> None:
    bot.slack.fault("server_error", "*", times=0)
    assert "Creating *my-shop*" in bot.slack.command("Dana", "#stores", "/store create my-shop").json()["text"]
    bot.slack.clear_faults()
    bot.root("Creating *my-shop*")


def test_unexpected_error_is_answered_with_an_id_that_is_in_the_log(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    bot.orders.addresses = None  # type: ignore[assignment]
    answer = bot.slack.command("Dana", "#stores", "/store create my-shop").json()["text"]
    request_id = re.search(r"this id: `(\w+)`", answer)
    assert request_id
    assert [row["request_id"] for row in bot.audit()] == [request_id.group(1)]
    assert "listener failed" in caplog.text


def test_every_request_is_audited(bot: Bot) -> None:
    root = ready_store(bot)
    bot.slack.command("Oli", "#stores", "/store delete my-shop")
    bot.slack.click("Dana", root, "credentials")
    until("three rows", lambda: len(bot.audit()) == 3)
    rows = [(r["actor"], r["action"], r["store"], r["origin"], r["detail"]) for r in reversed(bot.audit())]
    value = buttons(root)["credentials"]["value"]
    assert rows == [
        (DANA, "command", "my-shop", STORES, "/store create my-shop"),
        (OLI, "command", "my-shop", STORES, "/store delete my-shop"),
        (DANA, "click", "my-shop", STORES, f"credentials {value}"),
    ]
    created, refused, linked = reversed(bot.audit())
    assert (created["outcome"], created["job_id"]) == ("ordered", str(root["metadata"]["event_payload"]["job"]))
    assert (refused["outcome"], refused["reason"]) == (
        "refused",
        f"my-shop belongs to {DANA}. Ask its owner or an admin.",
    )
    assert linked["outcome"] == "answered"
    assert linked["reason"].startswith("link ")
    assert all(r["request_id"] for r in bot.audit())
