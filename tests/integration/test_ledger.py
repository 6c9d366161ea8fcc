"""The ledger on a real SQLite file: its guarantees under repeats, races, limits and reopening."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from provisioner.domain.errors import LimitReached, Problem, Refused, StoreBusy, StoreExists, StoreNotFound, Superseded
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.domain.store import Addresses, Store, StoreStatus
from provisioner.ledger.ledger import CredentialLink, Ledger, LedgerInUse, Limits
from provisioner.ledger.schema import migrations
from tests.conftest import Clock

LIMITS = Limits(stores_per_person=3, creations_per_hour=5)


@pytest.fixture
def order(ledger: Ledger) -> Callable[..., Job]:
    def create(name: str = "my-shop", key: str | None = None, owner: str = "U1", limits: Limits = LIMITS) -> Job:
        return ledger.order_create(
            name=name,
            type="medusa",
            admin_path="/app",
            owner=owner,
            origin="C1",
            delivery_key=key or name,
            limits=limits,
        )

    return create


def delete(ledger: Ledger, job: Job, key: str = "delete") -> Job:
    return ledger.order_delete(store_id=job.store_id, by="U1", origin="C1", delivery_key=key, limits=LIMITS)


def retry(ledger: Ledger, job: Job, key: str = "retry") -> Job:
    return ledger.order_retry(job_id=job.id, by="U1", origin="C1", delivery_key=key, limits=LIMITS)


def upgrade(ledger: Ledger, job: Job, key: str = "upgrade") -> Job:
    return ledger.order_upgrade(store_id=job.store_id, by="U2", origin="C1", delivery_key=key, limits=LIMITS)


def finished(ledger: Ledger, job: Job, version: str = "") -> Job:
    running = ledger.claim_due()
    assert running is not None
    assert running.id == job.id
    ledger.succeed(running, version)
    return running


def present(ledger: Ledger, name: str = "my-shop") -> Store:
    store = ledger.store(name)
    assert store is not None
    return store


def test_an_order_is_a_store_a_job_and_news_at_once(ledger: Ledger, order: Callable[..., Job]) -> None:
    job = order()
    store = ledger.store("my-shop")
    assert store is not None
    assert (store.status, store.url) == (StoreStatus.CREATING, "http://my-shop.localhost:8081")
    assert store.admin_url == "http://my-shop.localhost:8081/app"
    assert [e.kind for e in ledger.events(job.id)] == [EventKind.QUEUED]
    assert [(o.kind, o.subject) for o in ledger.outgoing()] == [("summary", job.id)]


def test_a_repeated_delivery_is_the_same_job(ledger: Ledger, order: Callable[..., Job]) -> None:
    assert order(key="k") == order(key="k")
    assert len(ledger.stores()) == 1


def test_one_live_job_per_store_holds_under_a_race(ledger: Ledger, order: Callable[..., Job]) -> None:
    outcomes: list[str] = []

    def try_it(n: int) -> None:
        try:
            order(key=f"race-{n}", limits=Limits(100, 100))
            outcomes.append("ordered")
        except StoreBusy:
            outcomes.append("busy")

    threads = [threading.Thread(target=try_it, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["busy"] * 11 + ["ordered"]


def test_a_taken_name_is_refused_by_what_its_store_does(ledger: Ledger, order: Callable[..., Job]) -> None:
    job = order()
    with pytest.raises(StoreBusy, match="being created"):
        order(key="2")
    finished(ledger, job)
    with pytest.raises(StoreExists, match="already"):
        order(key="3")
    delete(ledger, job)
    with pytest.raises(StoreBusy, match="being deleted"):
        order(key="4")
    assert len(ledger.stores()) == 1


def test_limits_say_when_the_next_is_free(ledger: Ledger, order: Callable[..., Job], clock: Clock) -> None:
    for n in range(3):
        order(f"shop-{n}")
        clock.now += 60
    with pytest.raises(LimitReached, match="3 is the most"):
        order("shop-9")
    assert order("other-shop", owner="U2"), "another person has their own limit"
    with pytest.raises(LimitReached) as refusal:
        order("shop-8", limits=Limits(stores_per_person=99, creations_per_hour=3))
    assert "free in 57 min" in str(refusal.value)
    clock.now = refusal.value.free_at or 0
    assert order("shop-8", limits=Limits(stores_per_person=99, creations_per_hour=3))


def test_a_store_stays_ready_while_it_is_upgraded_and_where_that_is_undone(
    ledger: Ledger, order: Callable[..., Job]
) -> None:
    made = finished(ledger, order(), "0.1.0")
    job = upgrade(ledger, made)
    assert upgrade(ledger, made) == job, "a repeated delivery is the same job"
    assert (job.allowed, job.retry_of) == (LIMITS.upgrade_deadline, None)
    with pytest.raises(StoreBusy, match="my-shop is being upgraded right now"):
        upgrade(ledger, made, "twice")
    assert present(ledger).status == StoreStatus.READY
    ledger.fail(ledger.claim_due() or job, Problem("The migration failed."), store_kept=True)
    assert (present(ledger).status, present(ledger).version) == (StoreStatus.READY, "0.1.0")
    assert f"failure:{job.id}" in [entry.key for entry in ledger.outgoing()]
    again = retry(ledger, job)
    assert present(ledger).status == StoreStatus.READY
    ready_at = present(ledger).ready_at
    finished(ledger, again, "0.2.0")
    assert (present(ledger).version, present(ledger).ready_at) == ("0.2.0", ready_at)
    assert ledger.events(again.id)[-1].detail == "0.2.0"


def test_an_upgrade_that_could_not_be_undone_leaves_a_failed_store(ledger: Ledger, order: Callable[..., Job]) -> None:
    made = finished(ledger, order(), "0.1.0")
    job = upgrade(ledger, made)
    ledger.fail(ledger.claim_due() or job, Problem("It is broken."))
    assert present(ledger).status == StoreStatus.FAILED
    with pytest.raises(Refused, match="my-shop is failed, and only a store that is ready can be upgraded"):
        upgrade(ledger, made, "anew")
    finished(ledger, retry(ledger, job), "0.2.0")
    assert present(ledger).status == StoreStatus.READY


def test_only_a_ready_store_is_upgraded(ledger: Ledger, order: Callable[..., Job]) -> None:
    job = order()
    with pytest.raises(StoreBusy, match="being created right now"):
        upgrade(ledger, job)
    removal = delete(ledger, finished(ledger, job))
    with pytest.raises(StoreBusy, match="being deleted right now"):
        upgrade(ledger, job)
    finished(ledger, removal)
    with pytest.raises(StoreNotFound):
        upgrade(ledger, job)


def test_a_delete_supersedes_an_upgrade(ledger: Ledger, order: Callable[..., Job]) -> None:
    made = finished(ledger, order())
    job = upgrade(ledger, made)
    assert ledger.claim_due() is not None
    removal = delete(ledger, made)
    superseded = ledger.job(job.id)
    assert superseded is not None
    assert superseded.status == JobStatus.SUPERSEDED
    finished(ledger, removal)
    assert ledger.store("my-shop") is None


def test_what_was_chosen_is_kept_with_the_store(ledger: Ledger) -> None:
    ledger.order_create(
        name="my-shop",
        type="medusa",
        admin_path="/app",
        owner="U1",
        origin="C1",
        delivery_key="k",
        limits=LIMITS,
        options={"currency": "usd", "label": "Kč “x”"},
    )
    assert present(ledger).options == {"currency": "usd", "label": "Kč “x”"}
    found = replace(present(ledger), id="other", name="found-shop")
    assert ledger.adopt(found)
    assert present(ledger, "found-shop") == found


def test_a_ledger_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    old = Database(tmp_path / "old.db")
    migrations.apply(old, stop_before="m0002_chosen_options")
    row = "'s1', 'old-shop', 'medusa', 'ready', 'U1', 'C1', 'n', 'u', 'a', 1.0, 2.0, NULL, NULL"
    old.execute(f"INSERT INTO stores VALUES ({row})")  # noqa: S608
    old.conn.commit()
    old.close()
    ledger = Ledger(tmp_path / "old.db", Addresses("localhost"))
    store = present(ledger, "old-shop")
    assert (store.options, store.version, store.ready_at) == ({}, "", 2.0)
    ledger.close()


def test_claims_are_exclusive_and_spare_busy_stores(ledger: Ledger, order: Callable[..., Job]) -> None:
    first, second = order("shop-a"), order("shop-b")
    claimed = ledger.claim_due()
    assert claimed is not None
    assert (claimed.id, claimed.status, claimed.attempts) == (first.id, JobStatus.RUNNING, 1)
    assert ledger.claim_due(busy_stores=["shop-b"]) is None
    other = ledger.claim_due()
    assert other is not None
    assert other.id == second.id
    assert ledger.claim_due() is None


def test_a_stage_is_told_once_however_often_it_is_entered(
    ledger: Ledger, order: Callable[..., Job], clock: Clock
) -> None:
    order()
    job = ledger.claim_due()
    assert job is not None
    for _ in range(2):
        ledger.record(job, EventKind.STARTED, "release")
        clock.now += 2.5
        ledger.record(job, EventKind.DONE, "release")
    told = [(e.kind, e.seconds) for e in ledger.events(job.id) if e.stage == "release"]
    assert told == [(EventKind.STARTED, None), (EventKind.DONE, 2.5)]


def test_delete_supersedes_a_running_create(ledger: Ledger, order: Callable[..., Job]) -> None:
    order()
    create = ledger.claim_due()
    assert create is not None
    removal = delete(ledger, create)
    with pytest.raises(Superseded):
        ledger.record(create, EventKind.STARTED, "release")
    with pytest.raises(Superseded):
        ledger.succeed(create)
    with pytest.raises(Superseded):
        ledger.fail(create, Problem("too late"))
    assert ledger.claim_due(busy_stores=["my-shop"]) is None, "not before the create's thread let go"
    finished(ledger, removal)
    gone = ledger.store_by_id(create.store_id)
    assert gone is not None
    assert (gone.status, gone.deleted_by) == (StoreStatus.DELETED, "U1")
    assert ledger.store("my-shop") is None
    assert order(key="again").store_id != create.store_id, "the name is free again"


def test_delete_twice_and_delete_of_nothing_are_answered(ledger: Ledger, order: Callable[..., Job]) -> None:
    job = order()
    removal = delete(ledger, job)
    assert delete(ledger, job) == removal, "the same click again"
    with pytest.raises(StoreBusy, match="being deleted already"):
        delete(ledger, job, key="another click")
    finished(ledger, removal)
    with pytest.raises(StoreNotFound, match="deleted already"):
        delete(ledger, job, key="a stale button")


def test_a_failed_job_can_be_retried_once_at_a_time(ledger: Ledger, order: Callable[..., Job]) -> None:
    order()
    job = ledger.claim_due()
    assert job is not None
    ledger.fail(job, Problem("image missing", "typo", "mend it", "log"))
    assert {o.kind for o in ledger.outgoing()} == {"summary", "stages", "failure"}
    failed = ledger.job(job.id)
    assert failed is not None
    assert failed.problem == Problem("image missing", "typo", "mend it", "log")
    again = retry(ledger, job)
    assert again.retry_of == job.id
    with pytest.raises(StoreBusy):
        retry(ledger, job, key="second click")
    finished(ledger, again)
    with pytest.raises(Refused, match="nothing to retry"):
        retry(ledger, job, key="stale")


def test_retry_later_comes_due_with_its_reason(ledger: Ledger, order: Callable[..., Job], clock: Clock) -> None:
    order()
    job = ledger.claim_due()
    assert job is not None
    ledger.retry_later(job, Problem("API away."), clock.now + 8)
    assert ledger.claim_due() is None
    assert ledger.events(job.id)[-1].detail == "API away. Trying again in 8 s."
    clock.now += 8
    again = ledger.claim_due()
    assert again is not None
    assert again.attempts == 2


def test_what_was_running_goes_on_after_a_crash(tmp_path: Path, clock: Clock) -> None:
    addresses = Addresses("localhost")
    first = Ledger(tmp_path / "l.db", addresses, clock)
    args: dict[str, Any] = {"type": "medusa", "admin_path": "/app", "owner": "U1", "origin": "", "limits": LIMITS}
    job = first.order_create(name="my-shop", delivery_key="k", **args)
    assert first.claim_due() is not None
    with pytest.raises(LedgerInUse):
        Ledger(tmp_path / "l.db", addresses, clock)
    first.close()
    second = Ledger(tmp_path / "l.db", addresses, clock)
    assert second.claim_due() is None
    assert [j.id for j in second.requeue_interrupted()] == [job.id]
    again = second.claim_due()
    assert again is not None
    assert (again.id, again.attempts) == (job.id, 2)
    assert second.requeue_interrupted(at_work=[job.id]) == []
    second.close()


def test_a_bot_that_was_away_costs_no_job_its_time(ledger: Ledger, order: Callable[..., Job], clock: Clock) -> None:
    order()
    clock.now += 5_000
    claimed = ledger.claim_due()
    assert claimed is not None
    assert claimed.deadline_at == clock.now + LIMITS.create_deadline
    clock.now += 5_000
    ledger.requeue_interrupted()
    again = ledger.claim_due()
    assert again is not None
    assert again.deadline_at == clock.now + LIMITS.create_deadline
    ledger.retry_later(again, Problem("API away."), clock.now + 60)
    clock.now += 60
    later = ledger.claim_due()
    assert later is not None
    assert later.deadline_at == again.deadline_at, "attempts of one process share its time"


def test_news_that_comes_while_telling_stays_due(ledger: Ledger, order: Callable[..., Job]) -> None:
    job = order()
    entry = ledger.outgoing()[0]
    running = ledger.claim_due()
    assert running is not None
    ledger.record(running, EventKind.STARTED, "namespace")
    ledger.sent(entry, address="C1", remote_id="1.0", content_hash="h")
    due = ledger.outgoing()
    assert [(o.key, o.remote_id, o.content_hash) for o in due] == [(f"summary:{job.id}", "1.0", "h")]
    ledger.sent(due[0], address="C1", remote_id="1.0", content_hash="h2")
    assert ledger.outgoing() == []


def test_postponed_news_wait_and_new_news_do_not_hurry_them(
    ledger: Ledger, order: Callable[..., Job], clock: Clock
) -> None:
    order()
    ledger.postpone(ledger.outgoing()[0], clock.now + 30)
    running = ledger.claim_due()
    assert running is not None
    ledger.record(running, EventKind.STARTED, "namespace")
    assert ledger.outgoing() == [], "Slack said when to come back"
    clock.now += 30
    assert ledger.outgoing()[0].attempts == 1


def test_a_failed_write_leaves_nothing_behind(ledger: Ledger, order: Callable[..., Job]) -> None:
    order("shop-a"), order("shop-b"), order("shop-c")
    before = ledger.counts()
    with pytest.raises(LimitReached):
        order("shop-d")
    assert ledger.counts() == before


def test_a_link_is_claimed_by_exactly_one_of_many(ledger: Ledger, order: Callable[..., Job], clock: Clock) -> None:
    job = finished(ledger, order())
    ledger.add_link(CredentialLink("L1", "hash", job.store_id, "U1", clock.now, clock.now + 900))
    won: list[bool] = []

    def claim() -> None:
        won.append(ledger.claim_link("L1", actor="U1", detail="", request_id="r"))

    threads = [threading.Thread(target=claim) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 11 + [True]
    assert [row["action"] for row in ledger.audit_rows()] == ["reveal"]


def test_a_store_only_the_cluster_knows_is_adopted_once(ledger: Ledger, order: Callable[..., Job]) -> None:
    found = Store("s1", "old-shop", "medusa", StoreStatus.READY, "U9", "{}", "store-old-shop", "u", "a", 1.0, 2.0)
    assert ledger.adopt(found)
    assert not ledger.adopt(found)
    assert ledger.store("old-shop") == found


def test_quiet_ticks_make_no_news(ledger: Ledger) -> None:
    rung: list[bool] = []
    ledger.on_change = lambda: rung.append(True)
    assert ledger.claim_due() is None
    ledger.requeue_interrupted()
    ledger.sweep()
    assert rung == []


def test_sweep_forgets_old_delivery_keys_only(ledger: Ledger, clock: Clock) -> None:
    assert ledger.first_sight("a")
    assert not ledger.first_sight("a")
    clock.now += 100_000
    assert ledger.first_sight("b")
    ledger.sweep()
    assert ledger.first_sight("a")
    assert not ledger.first_sight("b")
