"""A backup of each store is proven from time to time, in the night, quietly; a failure reaches the store's owner."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from provisioner.domain.backup import Backup
from provisioner.domain.errors import Problem
from provisioner.domain.job import Job
from provisioner.domain.store import StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.operations.prove import PROVE, arguments_of
from provisioner.runner.backup_proofs import BackupProofs
from provisioner.runner.nights import AT_ONCE, SPREAD
from tests.conftest import Clock
from tests.integration.bot_harness import Bot
from tests.integration.slack_steps import home, ready_store
from tests.integration.test_bot_backup import backup_of, typed
from tests.integration.test_bot_lost_messages import in_direct_messages
from tests.integration.test_daily_backups import HOUR, MIDNIGHT, NIGHT_OVER, finish_all, stores
from tests.ledgers import SampleOrders
from tests.unit.sample_stores import BACKUPS

DAYS = 7


def schedule(orders: SampleOrders) -> BackupProofs:
    return BackupProofs(orders.orders, HOUR, DAYS)


def proofs(ledger: Ledger) -> list[Job]:
    return ledger.jobs.of_kind(PROVE.kind)


def backed_up_stores(orders: SampleOrders, clock: Clock, count: int) -> None:
    for store in stores(orders, clock, count):
        made = Backup(f"b-{store.id}", store.id, "j1", clock.now, "daily", "0.1.0", 1, 1, True, {"orders": 3})
        orders.ledger.store_backups.add(made)


def finish_proofs(orders: SampleOrders) -> None:
    """Play the worker: every proof succeeds."""
    while orders.ledger.jobs.quiet_at_work():
        job = orders.claimed()
        orders.journal.note_proven(job, job.arguments["backup"])
        orders.journal.succeed(job)


def test_each_store_is_proven_once_in_seven_days_and_only_at_night(
    ledger: Ledger, orders: SampleOrders, clock: Clock
) -> None:
    backed_up_stores(orders, clock, 5)
    for quarter in range(8 * 24 * 4):
        clock.now = (MIDNIGHT + timedelta(minutes=15 * quarter)).timestamp()
        schedule(orders).order_due()
        finish_proofs(orders)
    ordered = [(job.created_at - MIDNIGHT.timestamp()) / 86_400 for job in proofs(ledger)]
    assert [int(day) for day in sorted(ordered)] == [0] * 5 + [7] * 5
    assert {HOUR <= day % 1 * 24 < HOUR + 2 * SPREAD.total_seconds() / 3600 for day in ordered} == {True}
    [first, *_] = proofs(ledger)
    assert first.arguments == {"backup": f"b-{first.store_id}", "served": "True", "counts": '{"orders": 3}'}


def test_failed_proof_is_tried_again_the_next_night(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    backed_up_stores(orders, clock, 1)
    for day in (0, 0, 1):
        clock.now = (NIGHT_OVER + timedelta(days=day)).timestamp() - 1
        schedule(orders).order_due()
        if ledger.jobs.quiet_at_work():
            orders.journal.fail(orders.claimed(), Problem("No room."))
    assert len(proofs(ledger)) == 2


def test_few_proofs_are_at_work_at_once(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    backed_up_stores(orders, clock, 8)
    clock.now = (NIGHT_OVER - timedelta(minutes=30)).timestamp()
    for _ in range(3):
        schedule(orders).order_due()
    assert len(proofs(ledger)) == AT_ONCE
    finish_all(orders)


def test_new_store_waits_for_its_first_night(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    backed_up_stores(orders, clock, 1)
    clock.now = NIGHT_OVER.timestamp() - 1
    with ledger.transaction() as db:
        db.execute("UPDATE stores SET ready_at = ?", (clock.now - 1,))
    schedule(orders).order_due()
    assert proofs(ledger) == []


@pytest.mark.parametrize("reason", ["no backup", "no proof in the chart", "busy"])
def test_store_that_cannot_be_proven_waits(ledger: Ledger, orders: SampleOrders, clock: Clock, reason: str) -> None:
    if reason == "no backup":
        stores(orders, clock, 1)
    else:
        backed_up_stores(orders, clock, 1)
    [store] = ledger.stores.all()
    if reason == "no proof in the chart":
        with ledger.transaction() as db:
            db.execute("UPDATE stores SET type = 'gone'")
    if reason == "busy":
        orders.upgrade(ledger.jobs.last(store.id) or proofs(ledger)[0])
    clock.now = NIGHT_OVER.timestamp() - 1
    schedule(orders).order_due()
    assert proofs(ledger) == []


# --- what people see -----------------------------------------------------------------------------------------------


def test_proof_is_ordered_by_command_and_shown_in_status_list_and_home(bot: Bot) -> None:
    ready_store(bot)
    bot.slack.open_home("Dana")
    assert "has no backups yet" in typed(bot, "prove my-shop")
    backup = backup_of(bot)
    bot.ledger.store_backups.add(backup)
    assert "proven" not in typed(bot, "status my-shop") + str(bot.answered("/store backups my-shop"))
    assert "Proving the newest backup of *my-shop*" in typed(bot, "prove my-shop")
    assert bot.store().status == StoreStatus.READY
    bot.root("Proving the newest backup of *my-shop* by a restore into a copy, ordered by")
    bot.journal.note_proven(bot.claim(), backup.id)
    home(bot, "proven by a restore <!date^")
    assert "proven by a restore <!date^" in typed(bot, "status my-shop")
    assert "products · proven <!date^" in str(bot.answered("/store backups my-shop"))


def test_store_whose_chart_knows_no_proof_is_refused(bot: Bot) -> None:
    typed(bot, "create my-plain plain")
    bot.finish()
    bot.root("*my-plain* is ready")
    bot.ledger.store_backups.add(replace(BACKUPS[0], store_id=bot.store("my-plain").id))
    assert "Backups of Plain stores can't be proven." in typed(bot, "prove my-plain")


def test_failed_nightly_proof_is_posted_to_the_owner_and_in_the_failure_channel(bot: Bot) -> None:
    ready_store(bot)
    backup = backup_of(bot)
    bot.ledger.store_backups.add(backup)
    proofs_of = BackupProofs(bot.orders, HOUR, DAYS)
    bot.clock.ahead += 86_400 - (bot.clock() % 86_400) + (HOUR + 4) * 3600 - 1
    proofs_of.order_due()
    [job] = proofs(bot.ledger)
    assert (job.quiet, job.arguments) == (True, arguments_of(backup))
    bot.fail(Problem("The backup holds only 1 of 3 orders.", "", "Fix the cause and retry."))
    bot.root("could not be restored as a test for the schedule", "#store-failures")
    failed = in_direct_messages(bot, "*my-shop* could not be restored as a test.")
    bot.slack.click("Dana", failed, "retry")
    bot.slack.wait_for(lambda: bot.queued_jobs() == [("prove", 1)])
