"""The outbox when Slack, the network or the bot fails: no message is lost, and none is sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.slack.rate_limiter import RATES
from dev.slack import LocalSlack
from dev.slack.rate_limits import RATE_LIMITS, RateLimit
from provisioner.domain.errors import Problem
from provisioner.domain.limits import Limits
from provisioner.ledger.outbox import OutboxKind, Receipt
from tests.integration.bot_harness import DANA, FAILURES, RANDOM, STORES, Bot, running_bot
from tests.waiting import until

# A Slack that takes five posts in one second, and not in five as the real one; and a bot that keeps this pace.
PACE = {**RATES, "chat.postMessage": (5, 1.1)}


@pytest.fixture
def limited_slack() -> Iterator[LocalSlack]:
    with LocalSlack(rate_limits={**RATE_LIMITS, "chat.postMessage": RateLimit(5, 1, True)}) as workspace:
        yield workspace


def test_pace_is_within_the_limits_of_slack() -> None:
    for method in ("chat.postMessage", "chat.update"):
        most, seconds, _ = RATE_LIMITS[method]
        assert RATES[method][0] == most
        assert seconds < RATES[method][1] < seconds * 1.1


@pytest.fixture
def paced_bot(tmp_path: Path, limited_slack: LocalSlack) -> Iterator[Bot]:
    with running_bot(tmp_path, limited_slack, rates=PACE) as running:
        yield running


def tried(bot: Bot, kind: OutboxKind) -> bool:
    """Whether an entry of this kind was tried without success and waits for another attempt."""
    job = bot.ledger.jobs.last(bot.store().id)
    entry = bot.ledger.outbox.get(kind, job.id) if job else None
    return entry is not None and entry.attempts > 0


def lines(slack: LocalSlack, root: dict[str, Any]) -> list[str]:
    """Every line in the root's thread."""
    return [line for post in slack.thread(root)[1:] for line in post["text"].splitlines()]


# --- one root message, whatever happens --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": "drop_response"},  # it was posted, and the answer got lost
        {"kind": "server_error"},
        {"kind": "error", "code": "internal_error"},
        {"kind": "ratelimited", "seconds": 1},
        {"kind": "drop_response", "times": 2},
    ],
)
def test_root_message_is_posted_exactly_once_whatever_fails(
    bot: Bot, slack: LocalSlack, trouble: dict[str, Any]
) -> None:
    slack.fault(method="chat.postMessage", **trouble)
    bot.order()
    bot.root("Creating *my-shop*")
    bot.finish()
    root = bot.root("*my-shop* is ready")
    bot.settled()
    assert len(slack.messages("#stores")) == 1
    assert len(lines(slack, root)) == 7


def test_edit_with_a_lost_answer_is_repeated(bot: Bot, slack: LocalSlack) -> None:
    bot.order()
    bot.root("Creating")
    slack.fault("drop_response", "chat.update")
    bot.finish()
    bot.root("is ready")
    bot.settled()
    assert len(slack.messages("#stores")) == 1


@pytest.mark.parametrize("trouble", ["drop_response", "server_error"])
def test_every_stage_is_posted_exactly_once_whatever_fails(bot: Bot, slack: LocalSlack, trouble: str) -> None:
    bot.order()
    root = bot.root("Creating")
    slack.fault(trouble, "chat.postMessage")
    job = bot.work("namespace")
    slack.wait_for(lambda: lines(slack, root), what="the first stage")
    bot.complete(job, "secrets", "release")
    slack.wait_for(lambda: "Chart installed" in str(lines(slack, root)), what="the next stages")
    bot.settled()
    posted = [line.split(" · ")[0] for line in lines(slack, root)]
    assert posted == [
        f":white_check_mark: {what}"
        for what in ("Namespace created", "Passwords and keys generated", "Chart installed")
    ]


# --- a crash between Slack and ledger ----------------------------------------------------------------------------


def test_crash_between_post_and_receipt_repeats_nothing(tmp_path: Path, slack: LocalSlack) -> None:
    with running_bot(tmp_path, slack, notify=False) as bot:
        job = bot.order()
        bot.notifier.send_due()
        bot.finish()
        bot.notifier.send_due()
        root = bot.root("is ready")
        # The ledger as it is if the process is killed right after Slack took the messages:
        outbox, posted = bot.ledger.outbox, bot.entry(OutboxKind.STAGES, job.id)
        assert posted.sent_event > 0
        outbox.put(OutboxKind.SUMMARY, job.id)
        outbox.note_attempt(bot.entry(OutboxKind.SUMMARY, job.id), STORES, remote_id=None)
        outbox.put(OutboxKind.STAGES, job.id)
        outbox.sent(bot.entry(OutboxKind.STAGES, job.id), Receipt(STORES, sent_event=0))
        outbox.put(OutboxKind.STAGES, job.id)
        outbox.note_attempt(bot.entry(OutboxKind.STAGES, job.id), STORES, tried_event=posted.sent_event)
    with running_bot(tmp_path, slack) as bot:
        bot.settled()
        assert len(slack.messages("#stores")) == 1
        assert len(lines(slack, root)) == 7


def test_entries_that_were_not_sent_before_a_restart_are_sent_after_it(tmp_path: Path, slack: LocalSlack) -> None:
    with running_bot(tmp_path, slack, notify=False) as bot:
        bot.order()
        bot.fail(Problem("The quota is full.", "", "Delete a store."))
    with running_bot(tmp_path, slack) as bot:
        bot.root("could not be created. The quota is full.")
        bot.root("could not be created", "#store-failures")
        bot.settled()
    with running_bot(tmp_path, slack) as bot:
        bot.settled()
        assert len(slack.messages("#stores")) == len(slack.messages("#store-failures")) == 1


# --- refused blocks, tokens and channels -------------------------------------------------------------------------


def test_workspace_without_plan_blocks_gets_sections(bot: Bot, slack: LocalSlack) -> None:
    slack.fault("invalid_blocks", "*", times=0, block_types=["plan", "task_card"])
    bot.order()
    root = bot.root("Creating")
    assert ":white_circle: Create the namespace" in str(root["blocks"])
    bot.finish()
    bot.root("is ready")
    bot.settled()
    assert len(slack.messages("#stores")) == 1


def test_workspace_that_refuses_all_blocks_gets_text(bot: Bot, slack: LocalSlack) -> None:
    slack.fault("invalid_blocks", "*", times=0, block_types=["section", "plan", "context", "actions", "rich_text"])
    bot.order()
    bot.finish()
    bot.root("*my-shop* is ready")


def test_entries_wait_while_slack_is_unavailable(bot: Bot, slack: LocalSlack) -> None:
    slack.fault("server_error", "*", times=0)
    bot.order()
    bot.fail(Problem("The quota is full."))
    until("an attempt at each", lambda: tried(bot, OutboxKind.SUMMARY) and tried(bot, OutboxKind.FAILURE))
    assert slack.messages("#stores") == []
    slack.clear_faults()
    bot.root("could not be created")
    bot.root("could not be created", "#store-failures")


def test_revoked_token_is_logged_and_nothing_is_lost(
    bot: Bot, slack: LocalSlack, caplog: pytest.LogCaptureFixture
) -> None:
    slack.fault("error", "*", code="token_revoked", times=0)
    bot.order()
    until("the report", lambda: "check its token and scopes" in caplog.text)
    slack.clear_faults()
    bot.clock.ahead += 61
    bot.notifier.wake()
    bot.root("Creating *my-shop*")


def test_failure_channel_without_the_bot_delays_no_other_message(tmp_path: Path, slack: LocalSlack) -> None:
    with running_bot(tmp_path, slack, failures=RANDOM, admins=frozenset()) as bot:
        bot.order()
        job = bot.fail(Problem("The quota is full."))
        bot.root("could not be created")
        until("an attempt", lambda: tried(bot, OutboxKind.FAILURE))
        waiting = bot.entry(OutboxKind.FAILURE, job.id)
        assert waiting.sent_revision < waiting.revision
    with running_bot(tmp_path, slack) as bot:
        bot.clock.ahead += 301
        bot.notifier.wake()
        bot.root("could not be created", "#store-failures")


def test_entry_that_can_not_be_sent_delays_no_other(bot: Bot) -> None:
    bot.ledger.outbox.put(OutboxKind.HOME, "U0NOBODY")
    bot.order()
    bot.root("Creating")
    bot.settled()


# --- dead entries ------------------------------------------------------------------------------------------------


def test_entry_that_slack_always_refuses_is_given_up_and_sent_after_a_new_event(bot: Bot, slack: LocalSlack) -> None:
    slack.fault("error", "chat.postMessage", code="some_new_error", times=0)
    job = bot.order()

    def dead() -> bool:
        bot.clock.ahead += 60
        bot.notifier.wake()
        return bot.entry(OutboxKind.SUMMARY, job.id).dead_at is not None

    until("the entry is given up", dead)
    entry = bot.entry(OutboxKind.SUMMARY, job.id)
    assert entry.error == "some_new_error"
    assert entry.attempts == 9, "the tenth attempt in the last place was the last"
    assert entry.address == FAILURES
    assert bot.ledger.statistics.counts().outbox_dead >= 1
    with bot.http() as http:
        assert "storewright_outbox_dead 0.0" not in http.get("/metrics").text
    slack.clear_faults()
    bot.finish()
    bot.root("*my-shop* is ready", "#store-failures")


def test_one_message_that_is_too_long_does_not_simplify_the_next_ones(bot: Bot, slack: LocalSlack) -> None:
    slack.fault("error", "chat.postMessage", code="msg_too_long")
    bot.order("long-shop")
    simple = bot.root("*long-shop*")
    assert "plan" not in {block["type"] for block in simple["blocks"]}
    bot.order("next-shop")
    assert "plan" in {block["type"] for block in bot.root("*next-shop*")["blocks"]}


def test_busy_channel_does_not_delay_messages_of_another(tmp_path: Path, slack: LocalSlack) -> None:
    slack.fault("ratelimited", "chat.postMessage", seconds=600)
    with running_bot(tmp_path, slack, limits=Limits(1000, 1000), notify=False) as bot:
        for number in range(120):
            bot.order(f"shop-{number}")
        bot.order("other-shop", origin=DANA)
        bot.notifier.send_due()
        assert slack.messages("#stores") == []
        assert "Creating *other-shop*" in str(slack.dms("Dana"))


# --- pace --------------------------------------------------------------------------------------------------------


@pytest.mark.alone  # it measures time
def test_many_stores_at_once_stay_within_slacks_rate_limits(paced_bot: Bot, limited_slack: LocalSlack) -> None:
    for number in range(5):
        paced_bot.order(f"shop-{number}")
    for number in range(5):
        paced_bot.root(f"*shop-{number}*", timeout=2)
    for _ in range(5):
        paced_bot.finish()
    for number in range(5):
        paced_bot.root(f"*shop-{number}* is ready", timeout=3)
    paced_bot.settled(timeout=20)
    assert all(len(lines(limited_slack, root)) == 7 for root in limited_slack.messages("#stores"))
    with paced_bot.http() as http:
        assert 'outcome="ratelimited"' not in http.get("/metrics").text


@pytest.mark.alone  # it measures time
def test_retry_after_is_respected(paced_bot: Bot, limited_slack: LocalSlack) -> None:
    limited_slack.fault("ratelimited", "chat.postMessage", seconds=2)
    paced_bot.order()
    paced_bot.order("other-shop")
    with pytest.raises(TimeoutError):
        paced_bot.root("Creating", timeout=1.5)
    paced_bot.root("Creating *my-shop*", timeout=3)
    paced_bot.root("Creating *other-shop*", timeout=3)
    with paced_bot.http() as http:
        assert 'slack_calls_total{method="chat.postMessage",outcome="ratelimited"} 1.0' in http.get("/metrics").text


# --- other messages of the store ---------------------------------------------------------------------------------


def test_deletion_edits_earlier_messages_of_the_store(bot: Bot, slack: LocalSlack) -> None:
    bot.order()
    bot.finish()
    bot.root("is ready")
    bot.order_deletion()
    bot.root("is deleting it now")
    assert bot.finish().kind == "delete"
    bot.root("deleted it")
    bot.settled()
    assert len(slack.messages("#stores")) == 2
