"""What App Home reads from a real ledger: pages, choices, jobs at work and failures, in few statements for any number
of stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from provisioner.domain.errors import Problem
from provisioner.domain.expiry import DAY, Expiry
from provisioner.domain.job import EventKind, Job
from provisioner.domain.policy import SCHEDULE, Actor
from provisioner.ledger.dashboards import JOBS, STORES, Dashboard
from provisioner.ledger.homes import HomeChoice, Shown
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxKind
from provisioner.log_context import new_id
from provisioner.operations.backup import BACKUP
from provisioner.operations.pause import PAUSE
from provisioner.operations.restart import RESTART
from provisioner.orders import OrderContext
from tests.conftest import Clock
from tests.ledgers import SampleOrders, add_many_stores, statements_of

STORE_COUNT = 10_000
MAX_STATEMENTS = 9  # for a Home, for any number of stores
MINE, EVERYONES = HomeChoice(), HomeChoice(everyone=True)
BROKEN = Problem("It is broken.")


def names(dashboard: Dashboard) -> list[str]:
    return [store.name for store, _ in dashboard.stores]


def failures(ledger: Ledger, choice: HomeChoice = MINE) -> list[str]:
    """The ids of the failed jobs that U1's Home shows."""
    return [of.job.id for of in ledger.dashboards.read("U1", choice).failed]


def quiet_backup(orders: SampleOrders, job: Job) -> Job:
    """A daily backup of the store of `job`, which nobody ordered."""
    context = OrderContext(Actor(SCHEDULE, is_admin=True), "", new_id(), quiet=True)
    return orders.orders.place(context, BACKUP, job.store_id)


# --- many stores -------------------------------------------------------------------------------------------------


@pytest.fixture
def crowded(ledger: Ledger) -> Ledger:
    """A ledger with STORE_COUNT stores of U1, of which some are at work and others failed, and one of U2."""
    add_many_stores(ledger, STORE_COUNT)
    orders = SampleOrders(ledger)
    orders.create("other-shop", owner="U2")
    for number in range(JOBS):
        orders.upgrade(orders.job_of(f"shop-{number}"))
    with ledger.transaction() as db:
        db.execute("UPDATE jobs SET status = 'failed', finished_at = ? WHERE id >= 's99'", (ledger.clock(),))
    return ledger


@pytest.mark.parametrize("choice", [MINE, EVERYONES, HomeChoice(shown=Shown.EXPIRING), HomeChoice(page=500)])
def test_home_of_many_stores_takes_few_statements_and_reads_no_table_of_jobs(
    crowded: Ledger, choice: HomeChoice
) -> None:
    statements = statements_of(crowded, lambda: crowded.dashboards.read("U1", choice))
    assert len(statements) <= MAX_STATEMENTS
    db = crowded.connection.db
    plans = [row[3] for statement in statements if "IN ()" not in statement
             for row in db.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()]  # fmt: skip
    scans = [step.split()[1] for step in plans if step.startswith("SCAN") and "USING INDEX" not in step]
    assert set(scans) <= {"stores"}


def test_pages_hold_every_store_once(crowded: Ledger) -> None:
    first, second, last = (crowded.dashboards.read("U1", HomeChoice(page=page)) for page in (1, 2, 999_999))
    assert (first.total, first.pages, last.choice.page) == (STORE_COUNT, 500, 500)
    assert names(first) == [f"shop-{STORE_COUNT - number}" for number in range(1, STORES + 1)]
    assert names(second)[0] == f"shop-{STORE_COUNT - STORES - 1}"
    assert names(last)[-1] == "shop-0"
    assert all(job and job.id == f"{store.id}-upgrade" for store, job in second.stores), "the newest job of each"
    assert crowded.dashboards.read("U1", EVERYONES).total == STORE_COUNT + 1


# --- the stores --------------------------------------------------------------------------------------------------


def test_failed_stores_come_first_on_home(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    failed = orders.failed(orders.create("broken-shop"), BROKEN)
    for name in ("shop-a", "shop-b"):
        clock.now += 1
        orders.finished(orders.create(name))
    gone = orders.create("gone-shop")
    orders.finished(orders.delete(gone))
    shown = ledger.dashboards.read("U1", MINE)
    assert names(shown) == ["broken-shop", "shop-b", "shop-a"]
    assert (shown.stores[0][1], shown.total) == (orders.job(failed), 3)


def test_choice_shows_the_stores_it_names(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    jobs = {name: orders.create(name) for name in ("ready-shop", "broken-shop", "sleepy-shop", "short-shop")}
    for name, job in jobs.items():
        (orders.failed(job, BROKEN) if name == "broken-shop" else orders.finished(job))
    orders.finished(orders.place(PAUSE, jobs["sleepy-shop"]))
    ledger.set_expiry(orders.store("short-shop"), Expiry(clock.now + 3 * DAY - 1, 5 * DAY))
    ledger.set_expiry(orders.store("sleepy-shop"), Expiry(clock.now + 3 * DAY + 1, 5 * DAY))

    def shown(shown: Shown, person: str = "U1", *, everyone: bool = False) -> list[str]:
        return names(ledger.dashboards.read(person, HomeChoice(everyone, shown)))

    assert set(shown(Shown.ALL)) == set(jobs)
    assert set(shown(Shown.READY)) == {"ready-shop", "short-shop"}
    assert shown(Shown.ASLEEP) == ["sleepy-shop"]
    assert shown(Shown.FAILED) == ["broken-shop"]
    assert shown(Shown.EXPIRING) == ["short-shop"]
    assert shown(Shown.FAILED, "U2") == []
    assert shown(Shown.FAILED, "U2", everyone=True) == ["broken-shop"]


def test_adopted_store_has_no_job(ledger: Ledger, orders: SampleOrders) -> None:
    orders.finished(orders.create())
    found = replace(orders.store(), id="found", name="found-shop", owner="U9")
    assert ledger.stores.adopt(found)
    assert ledger.dashboards.read("U9", MINE).stores == ((found, None),)


# --- jobs at work ------------------------------------------------------------------------------------------------


def test_jobs_at_work_have_their_events_and_are_counted(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    jobs = []
    for number in range(JOBS + 2):
        jobs.append(orders.create(f"shop-{number}"))
        clock.now += 1
    claimed = orders.claimed(jobs[0])
    ledger.jobs.record(claimed, EventKind.STARTED, "namespace")
    shown = ledger.dashboards.read("U1", MINE)
    assert [of.job.id for of in shown.running] == [job.id for job in jobs[:JOBS]]
    assert shown.running_total == JOBS + 2
    assert [event.kind for event in shown.running[0].events] == [EventKind.QUEUED, EventKind.STARTED]
    assert ledger.dashboards.read("U2", MINE).running == ()
    assert ledger.dashboards.read("U2", EVERYONES).running_total == JOBS + 2


def test_quiet_job_is_not_shown_at_work(ledger: Ledger, orders: SampleOrders) -> None:
    first = orders.create()
    orders.finished(first)
    quiet_backup(orders, first)
    assert ledger.dashboards.read("U1", MINE).running == ()


# --- failures ----------------------------------------------------------------------------------------------------


def test_failure_is_shown_for_a_week_and_until_a_job_follows(
    ledger: Ledger, orders: SampleOrders, clock: Clock
) -> None:
    created = orders.create()
    orders.finished(created)
    failed = orders.failed(orders.place(RESTART, created), BROKEN)
    assert failures(ledger) == [failed.id]
    clock.now += 7 * DAY - 1
    assert failures(ledger) == [failed.id]
    clock.now += 2
    assert failures(ledger) == []
    clock.now -= 2
    orders.retry(failed)
    assert failures(ledger) == []


def test_daily_backup_hides_no_failure_of_an_order(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    created = orders.create()
    orders.finished(created)
    failed = orders.failed(orders.place(RESTART, created), BROKEN)
    clock.now += 1
    orders.finished(quiet_backup(orders, created))
    assert failures(ledger) == [failed.id]
    clock.now += 1
    backup = orders.failed(quiet_backup(orders, created), BROKEN)
    assert failures(ledger) == [backup.id], "one for each store: the newest"
    clock.now += 1
    orders.finished(quiet_backup(orders, created))
    assert failures(ledger) == [failed.id]


@pytest.mark.parametrize("count", [JOBS, JOBS + 2])
def test_newest_failures_are_shown_and_all_are_counted(
    ledger: Ledger, orders: SampleOrders, clock: Clock, count: int
) -> None:
    failed = []
    for number in range(count):
        failed.append(orders.failed(orders.create(f"shop-{number}"), BROKEN).id)
        clock.now += 1
    assert failures(ledger) == failed[::-1][:JOBS]
    assert ledger.dashboards.read("U1", MINE).failed_total == count


def test_deleted_store_has_no_failure(ledger: Ledger, orders: SampleOrders) -> None:
    failed = orders.failed(orders.create(), BROKEN)
    orders.finished(orders.delete(failed))
    assert failures(ledger) == []


# --- what each person chose, and who is notified -------------------------------------------------------------------


def test_choice_is_kept_until_the_next_one(ledger: Ledger) -> None:
    assert ledger.homes.choice("U1") == HomeChoice()
    for chosen in (HomeChoice(shown=Shown.FAILED, page=3), HomeChoice(everyone=True)):
        ledger.homes.choose("U1", chosen)
        assert ledger.homes.choice("U1") == chosen
    assert ledger.homes.choice("U2") == HomeChoice()


def due_after(ledger: Ledger, act: Callable[[], object]) -> set[str]:
    """Whose Homes are due after `act`."""
    for entry in list(ledger.outbox.due()):
        ledger.outbox.bury(entry, "sent")
    act()
    return {entry.subject for entry in ledger.outbox.due() if entry.kind is OutboxKind.HOME}


def test_change_is_due_on_the_homes_that_show_it(ledger: Ledger, orders: SampleOrders) -> None:
    for person in ("U1", "U2", "U3"):
        ledger.homes.choose(person, HomeChoice(everyone=person == "U3"))
    assert due_after(ledger, lambda: orders.create("my-shop")) == {"U1", "U3"}
    assert due_after(ledger, lambda: orders.create("other-shop", owner="U2")) == {"U2", "U3"}
    assert due_after(ledger, lambda: orders.create("shop-of-nobody", owner="U4")) == {"U3"}, "U4 never opened it"


def test_quiet_failure_is_due_on_the_owners_home(ledger: Ledger, orders: SampleOrders) -> None:
    created = orders.create()
    orders.finished(created)
    ledger.homes.choose("U1", MINE)
    backup = quiet_backup(orders, created)
    assert due_after(ledger, lambda: orders.claimed(backup)) == set()
    assert due_after(ledger, lambda: orders.journal.fail(backup, BROKEN)) == {"U1"}
