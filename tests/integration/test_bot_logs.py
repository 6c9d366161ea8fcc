"""People read a store's log in Slack: only those who manage it, and only for themselves."""

from __future__ import annotations

import pytest

from bot.slack import attend
from provisioner.domain.errors import JobFailed, Refused, Transient
from provisioner.logs import StoreLog
from tests.integration.bot_harness import DANA, Bot
from tests.integration.slack_steps import ready_store

LOG = StoreLog("application", "my-shop-7d9f", "GET / 200\n```<!channel> & more", ("database", "migration"))


def typed(bot: Bot, words: str = "logs my-shop", user: str = "Dana") -> str:
    return str(bot.slack.command(user, "#stores", f"/store {words}").json().get("text", ""))


def shown(bot: Bot, text: str) -> str:
    """The newest ephemeral message, once it has this text."""
    return bot.slack.wait_for(lambda: str(bot.slack.ephemerals("Dana")[-1]) if text in bot.whispered() else "")


def test_log_follows_the_answer_and_only_the_person_sees_it(bot: Bot) -> None:
    ready_store(bot)
    bot.logs.append(LOG)
    assert typed(bot) == "", "the log itself is the answer"
    seen = shown(bot, "The end of the log of *my-shop*, application (pod my-shop-7d9f):")
    assert "GET / 200" in seen
    assert "/store logs my-shop database" in seen
    assert "GET / 200" not in str(bot.slack.messages("#stores"))
    assert [row["reason"] for row in bot.audit() if "logs" in row["detail"]] == ["log shown"]


def test_slow_cluster_is_said_first(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attend, "SLOW_SECONDS", 0.05)
    ready_store(bot)
    bot.logs.append(LOG)
    bot.log_seconds = 1.0
    typed(bot)
    shown(bot, "Reading the log of *my-shop* …")
    shown(bot, "The end of the log of *my-shop*")


def test_empty_log_says_so(bot: Bot) -> None:
    ready_store(bot)
    bot.logs.append(StoreLog("database", "db-0", "", ()))
    typed(bot, "logs my-shop database")
    shown(bot, "*my-shop*, database (pod db-0), has logged nothing yet.")


def test_trouble_is_said_where_the_person_is(bot: Bot) -> None:
    ready_store(bot)
    for error, words in (
        (Refused("No pod of my-shop is called “databse”.", "", "It has: application."), "is called “databse”."),
        (Transient("The Kubernetes API does not answer."), "The Kubernetes API does not answer."),
        (
            JobFailed("Kubernetes refuses it.", "No rights.", "Grant them."),
            "Kubernetes refuses it. No rights. Grant them.",
        ),
        (RuntimeError("odd"), "Something went wrong"),
    ):
        bot.logs.append(error)
        typed(bot)
        shown(bot, words)


def test_others_read_no_log(bot: Bot) -> None:
    ready_store(bot)
    bot.logs.append(LOG)
    assert f"*my-shop* belongs to <@{DANA}>" in typed(bot, user="Oli")
    assert "There is no store called “my-shpo”." in typed(bot, "logs my-shpo")
    assert "I didn't expect “please” here." in typed(bot, "logs my-shop database please")
    assert "GET / 200" not in str(bot.slack.ephemerals("Oli"))
