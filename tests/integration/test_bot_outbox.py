"""What is told when Slack, the network or the bot itself fails on the way: never lost, never repeated visibly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.slack import rate_limiter
from dev.slack import LocalSlack
from dev.slack.rate_limits import RATE_LIMITS, RateLimit
from provisioner.domain.errors import Problem
from provisioner.domain.job import EventKind, JobKind
from provisioner.ledger.ledger import Limits
from tests.integration.bot_harness import DANA, FAILURES, STORES, Bot, running_bot
from tests.waiting import until


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSlack]:
    """A Slack whose seconds are short: five posts in one second, where the real one takes five for it."""
    monkeypatch.setitem(rate_limiter.RATES, "chat.postMessage", (5, 1.1))
    with LocalSlack(rate_limits={**RATE_LIMITS, "chat.postMessage": RateLimit(5, 1, True)}) as workspace:
        yield workspace


def test_our_pace_is_within_slacks() -> None:
    for method in ("chat.postMessage", "chat.update"):
        most, seconds, _ = RATE_LIMITS[method]
        assert rate_limiter.RATES[method][0] == most
        assert seconds < rate_limiter.RATES[method][1] < seconds * 1.1


@pytest.fixture
def bot(tmp_path: Path, slack: LocalSlack) -> Iterator[Bot]:
    with running_bot(tmp_path, slack) as running:
        yield running


def order(bot: Bot, name: str = "my-shop", origin: str = STORES) -> None:
    bot.ledger.order_create(
        name=name, type="medusa", admin_path="/app", owner=DANA, origin=origin, delivery_key=name, limits=Limits()
    )


def tried(bot: Bot, kind: str) -> bool:
    """Whether an entry of this kind was tried in vain and waits for another attempt."""
    job = bot.ledger.last_job(bot.store().id)
    entry = bot.ledger.outbox_entry(f"{kind}:{job.id}") if job else None
    return entry is not None and entry.attempts > 0


def lines(slack: LocalSlack, root: dict[str, Any]) -> list[str]:
    """Every line told in the root's thread."""
    return [line for post in slack.thread(root)[1:] for line in post["text"].splitlines()]


# --- one root message, whatever happens --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": "drop_response"},  # it was posted, and we never heard
        {"kind": "server_error"},
        {"kind": "error", "code": "internal_error"},
        {"kind": "ratelimited", "seconds": 1},
        {"kind": "drop_response", "times": 2},
    ],
)
def test_the_root_message_is_posted_exactly_once(bot: Bot, slack: LocalSlack, trouble: dict[str, Any]) -> None:
    slack.fault(method="chat.postMessage", **trouble)
    order(bot)
    bot.root("Creating *my-shop*")
    bot.finish()
    root = bot.root("*my-shop* is ready")
    bot.settled()
    assert len(slack.messages("#stores")) == 1
    assert len(lines(slack, root)) == 7


def test_a_lost_answer_to_an_edit_is_made_good(bot: Bot, slack: LocalSlack) -> None:
    order(bot)
    bot.root("Creating")
    slack.fault("drop_response", "chat.update")
    bot.finish()
    bot.root("is ready")
    bot.settled()
    assert len(slack.messages("#stores")) == 1


@pytest.mark.parametrize("trouble", ["drop_response", "server_error"])
def test_no_stage_is_told_twice_or_lost(bot: Bot, slack: LocalSlack, trouble: str) -> None:
    order(bot)
    root = bot.root("Creating")
    slack.fault(trouble, "chat.postMessage")
    job = bot.work("namespace")
    slack.wait_for(lambda: lines(slack, root), 10, "the first stage")
    for stage in ("secrets", "release"):
        bot.ledger.record(job, EventKind.STARTED, stage)
        bot.ledger.record(job, EventKind.DONE, stage)
    slack.wait_for(lambda: "Chart installed" in str(lines(slack, root)), 10, "the next stages")
    bot.settled()
    told = [line.split(" · ")[0] for line in lines(slack, root)]
    assert told == [
        f":white_check_mark: {what}" for what in ("Namespace made", "Passwords and keys made", "Chart installed")
    ]


# --- a crash between the two sides -------------------------------------------------------------------------------


def test_a_crash_after_posting_and_before_noting_it_repeats_nothing(tmp_path: Path, slack: LocalSlack) -> None:
    with running_bot(tmp_path, slack, tell=False) as bot:
        order(bot)
        bot.notifier.tell_due()
        bot.finish()
        bot.notifier.tell_due()
        root = bot.root("is ready")
        job = bot.ledger.last_job(bot.store().id)
        assert job is not None
        # What the ledger holds if the process is killed right after Slack took the messages:
        summary, stages = f"summary:{job.id}", f"stages:{job.id}"
        told = bot.ledger.outbox_entry(stages)
        assert told is not None
        bot.ledger.announce(summary, "summary", job.id)
        bot.ledger.place(summary, STORES, None)
        bot.ledger.announce(stages, "stages", job.id)
        entry = bot.ledger.outbox_entry(stages)
        assert entry is not None
        bot.ledger.sent(entry, address=STORES, remote_id=told.remote_id, content_hash="0")
        bot.ledger.announce(stages, "stages", job.id)
    with running_bot(tmp_path, slack) as bot:
        bot.settled()
        assert len(slack.messages("#stores")) == 1
        assert len(lines(slack, root)) == 7


def test_what_was_not_told_before_a_restart_is_told_after_it(tmp_path: Path, slack: LocalSlack) -> None:
    with running_bot(tmp_path, slack, tell=False) as bot:
        order(bot)
        bot.break_down(Problem("The quota is full.", "", "Delete a store."))
    with running_bot(tmp_path, slack) as bot:
        bot.root("could not be created. The quota is full.")
        bot.root("could not be created", "#store-failures")
        bot.settled()
    with running_bot(tmp_path, slack) as bot:
        bot.settled()
        assert len(slack.messages("#stores")) == len(slack.messages("#store-failures")) == 1


# --- what this Slack does not take -------------------------------------------------------------------------------


def test_where_plans_are_not_known_sections_say_the_same(bot: Bot, slack: LocalSlack) -> None:
    slack.fault("invalid_blocks", "*", times=0, block_types=["plan", "task_card"])
    order(bot)
    root = bot.root("Creating")
    assert ":white_circle: Make a namespace" in str(root["blocks"])
    bot.finish()
    bot.root("is ready")
    bot.settled()
    assert len(slack.messages("#stores")) == 1


def test_where_no_blocks_are_taken_the_text_still_tells(bot: Bot, slack: LocalSlack) -> None:
    slack.fault("invalid_blocks", "*", times=0, block_types=["section", "plan", "context", "actions", "rich_text"])
    order(bot)
    bot.finish()
    bot.root("*my-shop* is ready")


def test_a_slack_that_is_away_is_waited_for(bot: Bot, slack: LocalSlack) -> None:
    slack.fault("server_error", "*", times=0)
    order(bot)
    bot.break_down(Problem("The quota is full."))
    until("an attempt at each", lambda: tried(bot, "summary") and tried(bot, "failure"), 8)
    assert slack.messages("#stores") == []
    slack.clear_faults()
    bot.root("could not be created")
    bot.root("could not be created", "#store-failures")


def test_a_revoked_token_is_reported_and_nothing_is_lost(
    bot: Bot, slack: LocalSlack, caplog: pytest.LogCaptureFixture
) -> None:
    slack.fault("error", "chat.postMessage", code="token_revoked")
    order(bot)
    until("the report", lambda: "check its token and scopes" in caplog.text, 8)
    bot.clock.ahead += 61
    bot.notifier.wake()
    bot.root("Creating *my-shop*")


def test_a_failure_channel_without_the_bot_holds_up_nothing_else(tmp_path: Path, slack: LocalSlack) -> None:
    with running_bot(tmp_path, slack) as bot:
        bot.notifier._failure_channel = "C0RANDOM1"
        order(bot)
        job = bot.break_down(Problem("The quota is full."))
        bot.root("could not be created")
        until("an attempt", lambda: tried(bot, "failure"), 8)
        waiting = bot.ledger.outbox_entry(f"failure:{job.id}")
        assert waiting is not None
        assert waiting.sent_revision < waiting.revision
        bot.notifier._failure_channel = FAILURES
        bot.clock.ahead += 301
        bot.notifier.wake()
        bot.root("could not be created", "#store-failures")


def test_a_root_message_that_somebody_deleted_is_let_go(bot: Bot, slack: LocalSlack) -> None:
    order(bot)
    bot.root("Creating")
    slack.fault("error", "chat.update", code="message_not_found", times=0)
    bot.finish()
    bot.settled()
    assert len(slack.messages("#stores")) == 1


def test_one_entry_that_can_not_be_told_is_in_no_other_ones_way(bot: Bot) -> None:
    bot.ledger.announce("home:nobody", "home", "U0NOBODY")
    order(bot)
    bot.root("Creating")
    bot.settled()


# --- pace --------------------------------------------------------------------------------------------------------


def test_many_stores_at_once_keep_within_slacks_limits(bot: Bot, slack: LocalSlack) -> None:
    for number in range(5):
        order(bot, f"shop-{number}")
    for number in range(5):
        bot.root(f"*shop-{number}*", timeout=2)
    for _ in range(5):
        bot.finish()
    for number in range(5):
        bot.root(f"*shop-{number}* is ready", timeout=3)
    bot.settled(timeout=20)
    assert all(len(lines(slack, root)) == 7 for root in slack.messages("#stores"))
    with bot.http() as http:
        assert 'outcome="ratelimited"' not in http.get("/metrics").text


def test_retry_after_is_honoured(bot: Bot, slack: LocalSlack) -> None:
    slack.fault("ratelimited", "chat.postMessage", seconds=2)
    order(bot)
    order(bot, "other-shop")
    with pytest.raises(TimeoutError):
        bot.root("Creating", timeout=1.5)
    bot.root("Creating *my-shop*", timeout=3)
    bot.root("Creating *other-shop*", timeout=3)
    with bot.http() as http:
        assert 'slack_calls_total{method="chat.postMessage",outcome="ratelimited"} 1.0' in http.get("/metrics").text


# --- notices -----------------------------------------------------------------------------------------------------


def test_the_deletion_edits_earlier_messages_of_the_store(bot: Bot, slack: LocalSlack) -> None:
    order(bot)
    bot.finish()
    bot.root("is ready")
    bot.ledger.order_delete(store_id=bot.store().id, by=DANA, origin=STORES, delivery_key="d", limits=Limits())
    bot.root("is deleting it now")
    assert bot.finish().kind == JobKind.DELETE
    bot.root("deleted it")
    bot.settled()
    assert len(slack.messages("#stores")) == 2
