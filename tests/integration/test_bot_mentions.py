"""In a store's thread, where slash commands do not work: mentions, and the shortcuts in each message's menu."""

from __future__ import annotations

import pytest

from provisioner.logs import StoreLog
from tests.integration.bot_harness import DANA, Bot
from tests.integration.slack_steps import PROBLEM, View, ready_store, top_form


def mentioned(bot: Bot, words: str, thread: View | None = None, user: str = "Dana", channel: str = "#stores") -> str:
    """The answer to `@Storewright WORDS`, which this person alone sees."""
    before = len(bot.slack.ephemerals(user))
    bot.slack.say(user, channel, f"@storewright {words}".strip(), thread["ts"] if thread else None)
    shown = bot.slack.wait_for(lambda: bot.slack.ephemerals(user)[before:], what="an answer")
    return str(shown[0]["text"])


def test_mention_in_a_stores_thread_needs_no_name(bot: Bot) -> None:
    root = ready_store(bot)
    bot.logs.append(StoreLog("application", "my-shop-1", "a line", ("database",)))
    assert "The end of the log of *my-shop*, application" in mentioned(bot, "logs", root)
    assert bot.slack.ephemerals("Dana")[-1]["thread_ts"] == root["ts"]
    assert mentioned(bot, "restart", root).startswith("Restarting *my-shop*")
    bot.root("Restarting *my-shop*, ordered by")
    assert "*my-shop*" in mentioned(bot, "", root), "no words show the status"


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("restart my-shop", "Restarting *my-shop*"),
        ("list", "1 stores of yours"),
        ("extend until=2099-01-01", "That is more than ten years."),
        ("transfer @ada", "*my-shop* belongs to <@U0ADA0001> now."),
        ("delete", "That needs a form, and Slack opens none for a mention. Type it as a command, outside of the"),
        ("rollback 2", "outside of the thread: /store rollback my-shop 2"),
        ("dance", "I don't know “dance”."),
        ("restart other-shop", "I didn't expect “other-shop” here."),
    ],
)
def test_words_after_a_mention_are_those_of_the_command(bot: Bot, words: str, answer: str) -> None:
    assert answer in mentioned(bot, words, ready_store(bot))


def test_mention_where_no_store_is_meant_names_it(bot: Bot) -> None:
    ready_store(bot)
    other = bot.slack.say("Oli", "#stores", "lunch?")
    assert "The name of a store is missing." in mentioned(bot, "restart", other)
    assert mentioned(bot, "restart my-shop", other).startswith("Restarting *my-shop*")
    assert "*Open a store*" in mentioned(bot, "", other), "no words show the help"


def test_others_may_not_do_in_the_thread_what_they_may_not_type(bot: Bot) -> None:
    root = ready_store(bot)
    assert "Only its owner and admins may do that." in mentioned(bot, "logs", root, "Oli")
    assert bot.audit(1)[0]["detail"].endswith("logs")


def test_mention_in_the_failure_channel_is_about_the_failed_store(bot: Bot) -> None:
    bot.order()
    bot.fail(PROBLEM)
    failure = bot.root("could not be created", "#store-failures")
    assert mentioned(bot, "retry", failure, channel="#store-failures").startswith("Trying *my-shop* again")


def test_event_that_slack_sends_again_orders_nothing_again(bot: Bot) -> None:
    root = ready_store(bot)
    mentioned(bot, "backup", root)
    bot.slack.replay()
    bot.settled()
    assert bot.queued_jobs() == [("backup", 1)]


@pytest.mark.parametrize(("shortcut", "kind"), [("backup", "backup"), ("pause", "pause")])
@pytest.mark.parametrize("reply", [False, True])
def test_shortcut_at_a_message_of_a_store_does_what_its_button_does(
    bot: Bot, shortcut: str, kind: str, reply: bool
) -> None:
    root = ready_store(bot)
    bot.settled()
    message = bot.slack.thread(root)[-1] if reply else root
    assert bot.slack.shortcut("Dana", message, shortcut).ok
    bot.slack.wait_for(lambda: bot.queued_jobs() == [(kind, 1)], what="the order")


def test_shortcut_opens_a_form_and_shows_a_log(bot: Bot) -> None:
    root = ready_store(bot)
    assert bot.slack.shortcut("Dana", root, "clone").ok
    assert "my-shop" in str(top_form(bot)["blocks"])
    bot.logs.append(StoreLog("application", "my-shop-1", "a line", ()))
    assert bot.slack.shortcut("Dana", root, "logs").ok
    bot.slack.wait_for(lambda: "The end of the log" in bot.whispered(), what="the log")
    assert bot.slack.shortcut("Dana", root, "extend").ok
    bot.slack.wait_for(lambda: "It never expires." in bot.whispered(), what="the answer")


def test_shortcut_at_somebody_elses_message_is_refused(bot: Bot) -> None:
    ready_store(bot)
    other = bot.slack.say("Oli", "#stores", "lunch?")
    assert bot.slack.shortcut("Dana", other, "pause").ok
    refused = (
        ":no_entry_sign: That message is about no store of mine. Choose it at a store's own message, or in its thread."
    )
    bot.slack.wait_for(lambda: bot.whispered() == refused, what="the refusal")
    assert bot.queued_jobs() == []
    assert [(row["actor"], row["action"], row["outcome"]) for row in bot.audit(1)] == [(DANA, "shortcut", "refused")]
