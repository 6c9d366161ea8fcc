"""Each store is backed up once a day, at its own time in the night, quietly; what fails is posted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.rendering.offers import MENU_ACTION
from provisioner.domain.errors import Problem, Transient
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxKind
from provisioner.operations.backup import BACKUP
from provisioner.operations.create import CREATE
from provisioner.runner.daily_backups import DailyBackups
from provisioner.runner.nights import AT_ONCE, SPREAD, turn_of
from tests.conftest import Clock
from tests.integration.bot_harness import Bot
from tests.integration.slack_steps import buttons, ready_store
from tests.ledgers import SampleOrders

HOUR = 1
MIDNIGHT = datetime(2027, 3, 4, tzinfo=UTC)
NIGHT_OVER = MIDNIGHT + timedelta(hours=HOUR) + SPREAD


def daily(orders: SampleOrders, has_backups: Callable[[Store], bool] = lambda _: True) -> DailyBackups:
    return DailyBackups(orders.orders, has_backups, HOUR)


def backups(ledger: Ledger) -> list[Job]:
    return ledger.jobs.of_kind(BACKUP.kind)


def stores(orders: SampleOrders, clock: Clock, count: int) -> list[Store]:
    """Stores that were ready before midnight."""
    clock.now = (MIDNIGHT - timedelta(hours=1)).timestamp()
    for number in range(count):
        orders.finished(orders.create(f"shop-{number}"))
    return orders.ledger.stores.all()


def finish_all(orders: SampleOrders) -> None:
    while orders.ledger.jobs.quiet_at_work():
        orders.journal.succeed(orders.claimed())


def test_each_store_is_backed_up_once_a_day_at_its_own_time(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    schedule, made = daily(orders), stores(orders, clock, 8)
    times = {turn_of(store, NIGHT_OVER, HOUR) for store in made}
    assert len(times) == len(made)
    assert min(times) >= MIDNIGHT + timedelta(hours=HOUR)
    assert max(times) < NIGHT_OVER
    for minute in range(48 * 60):
        clock.now = (MIDNIGHT + timedelta(minutes=minute)).timestamp()
        schedule.order_due()
        finish_all(orders)
    ordered = [(job.store_id, round((job.created_at - MIDNIGHT.timestamp()) // 86_400)) for job in backups(ledger)]
    assert sorted(ordered) == sorted((store.id, day) for store in made for day in (0, 1))
    for job in backups(ledger):
        now = datetime.fromtimestamp(job.created_at, UTC)
        turn = turn_of(ledger.stores.get(job.store_id) or made[0], now, HOUR)
        assert 0 <= job.created_at - turn.timestamp() < 60
    assert {job.arguments["reason"] for job in backups(ledger)} == {"daily"}


def test_few_backups_are_at_work_at_once(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    schedule = daily(orders)
    stores(orders, clock, 8)
    clock.now = NIGHT_OVER.timestamp()
    for _ in range(3):
        schedule.order_due()
    assert len(backups(ledger)) == AT_ONCE
    finish_all(orders)
    schedule.order_due()
    assert len(backups(ledger)) == 2 * AT_ONCE


def test_turn_that_the_bot_missed_is_taken_later_that_day(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    stores(orders, clock, 1)
    clock.now = (NIGHT_OVER + timedelta(hours=9)).timestamp()
    for _ in range(2):
        daily(orders).order_due()
        finish_all(orders)
    assert len(backups(ledger)) == 1


def test_new_store_waits_for_its_first_night(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    clock.now = (NIGHT_OVER + timedelta(hours=9)).timestamp()
    orders.finished(orders.create("new-shop"))
    daily(orders).order_due()
    assert backups(ledger) == []


def test_busy_store_is_backed_up_once_it_is_idle(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    stores(orders, clock, 1)
    [created] = ledger.jobs.of_kind(CREATE.kind)
    upgrade = orders.upgrade(created)
    clock.now = NIGHT_OVER.timestamp()
    daily(orders).order_due()
    assert backups(ledger) == []
    orders.finished(upgrade)
    daily(orders).order_due()
    assert [job.store_id for job in backups(ledger)] == [created.store_id]


@pytest.mark.parametrize("trouble", [None, Transient("The API is away.")], ids=["old chart", "no cluster"])
def test_store_that_cannot_be_backed_up_now_disturbs_nobody(
    ledger: Ledger, orders: SampleOrders, clock: Clock, trouble: Transient | None
) -> None:
    unlucky, *others = stores(orders, clock, 3)

    def has_backups(store: Store) -> bool:
        if store == unlucky and trouble:
            raise trouble
        return store != unlucky

    clock.now = NIGHT_OVER.timestamp()
    daily(orders, has_backups).order_due()
    assert {job.store_id for job in backups(ledger)} == {store.id for store in others}


# --- what people see -----------------------------------------------------------------------------------------------


def order_daily(bot: Bot) -> Job:
    bot.clock.ahead += 86_400
    DailyBackups(bot.orders, lambda _: True, HOUR).order_due()
    [job] = [job for job in backups(bot.ledger) if job.live]
    return job


def test_daily_backup_leaves_the_stores_message_and_its_buttons_alone(bot: Bot) -> None:
    before = ready_store(bot)
    job = order_daily(bot)
    bot.finish()
    bot.settled()
    assert bot.root("*my-shop* is ready") == before
    assert MENU_ACTION in buttons(before)
    assert not bot.ledger.outbox.get(OutboxKind.SUMMARY, job.id)


def test_failed_daily_backup_is_posted_in_the_failure_channel_and_can_be_retried(bot: Bot) -> None:
    ready_store(bot)
    order_daily(bot)
    bot.fail(Problem("The disk is full.", "", "Make room, then retry."))
    failure = bot.root("could not be backed up for the schedule", "#store-failures")
    assert "To make one before the next night: `/store backup my-shop`" in failure["text"]
    bot.slack.click("Ada", failure, "retry")
    bot.slack.wait_for(lambda: bot.queued_jobs() == [("backup", 1)])


def test_backups_that_fail_in_one_night_are_two_messages(bot: Bot) -> None:
    names = [f"shop-{number}" for number in range(5)]
    for name in names:
        ready_store(bot, name)
    away = Problem("The backup server does not answer.", "It is away.", "Start it.")
    bot.clock.ahead = 86_400.0 * 2
    for _ in names:
        DailyBackups(bot.orders, lambda _: True, HOUR).order_due()
        bot.fail(away)
    bot.settled()
    posted = bot.slack.messages("#store-failures")
    assert [message["text"].partition(" could not")[0] for message in posted][1:] == ["4 more stores"]
    failed = [job.store for job in backups(bot.ledger) if job.status == "failed"]
    assert sorted(failed) == names
    assert f"in the same night: {', '.join(failed[1:])}." in posted[1]["text"]
    assert "The backup server does not answer." in str(posted[1]["blocks"])
    bot.clock.ahead += 86_400.0  # the next night has a message of its own
    DailyBackups(bot.orders, lambda _: True, HOUR).order_due()
    bot.fail(away)
    bot.settled()
    assert len(bot.slack.messages("#store-failures")) == 3
