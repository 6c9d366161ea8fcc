"""Stores in a real ledger: options, adoption, and pages that take few statements with thousands of stores."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.domain.errors import Problem
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.ledger import Ledger
from tests.conftest import Clock
from tests.ledgers import SampleOrders, statements_of

SHOP = Store(
    id="s1",
    name="old-shop",
    type="medusa",
    status=StoreStatus.READY,
    owner="U9",
    origin="{}",
    namespace="store-old-shop",
    url="u",
    admin_url="a",
    created_at=1.0,
    ready_at=2.0,
    release="old-shop",
)
STORE_COUNT = 10_000
MAX_STATEMENTS = 3  # for one page, for any number of stores


def test_options_are_kept_with_the_store(ledger: Ledger) -> None:
    store = replace(SHOP, options={"currency": "usd", "label": "Kč “x”"})
    ledger.stores.add(store)
    assert ledger.stores.get("s1") == store
    found = replace(store, id="other", name="found-shop")
    assert ledger.stores.adopt(found)
    assert ledger.stores.named("found-shop") == found


def test_store_that_only_the_cluster_has_is_adopted_once(ledger: Ledger) -> None:
    assert ledger.stores.adopt(SHOP)
    assert not ledger.stores.adopt(SHOP)
    assert not ledger.stores.adopt(replace(SHOP, id="s2")), "another store has the name"
    assert ledger.stores.named("old-shop") == SHOP


def test_release_and_namespace_are_not_derived_from_the_name(ledger: Ledger) -> None:
    store = replace(SHOP, release="r-1", namespace="elsewhere", url="https://shop.example.com:444")
    ledger.stores.add(store)
    known = ledger.stores.named("old-shop")
    assert known is not None
    assert (known.release, known.namespace, known.host) == ("r-1", "elsewhere", "shop.example.com")


# --- pages -------------------------------------------------------------------------------------------------------


@pytest.fixture
def crowded(ledger: Ledger, clock: Clock) -> Ledger:
    """A ledger with STORE_COUNT stores of U1, each with two jobs, and one of U2."""
    with ledger.transaction() as db:
        stores, jobs = [], []
        for number in range(STORE_COUNT):
            store = replace(SHOP, id=f"s{number}", name=f"shop-{number}", owner="U1", created_at=float(number))
            stores.append(store.__dict__)
            jobs += [_job_row(store, f"{number}-{kind}", kind, at) for at, kind in enumerate(("create", "upgrade"))]
        db.table("stores").insert_all(stores)
        db.table("jobs").insert_all(jobs)
    SampleOrders(ledger).create("other-shop", owner="U2")
    return ledger


def _job_row(store: Store, job_id: str, kind: str, at: float) -> dict[str, object]:
    return {
        "id": job_id,
        "kind": kind,
        "store_id": store.id,
        "store": store.name,
        "status": "succeeded",
        "requested_by": store.owner,
        "origin": "{}",
        "delivery_key": job_id,
        "attempts": 1,
        "created_at": store.created_at + at,
        "due_at": store.created_at,
        "allowed": 900.0,
        "deadline_at": store.created_at + 900,
    }


def test_home_of_many_stores_takes_few_statements(crowded: Ledger) -> None:
    assert len(statements_of(crowded, lambda: crowded.stores.with_last_jobs("U1", limit=20))) <= MAX_STATEMENTS
    rows, total = crowded.stores.with_last_jobs("U1", limit=20)
    assert (len(rows), total) == (20, STORE_COUNT)
    assert [store.name for store, _ in rows[:2]] == [f"shop-{STORE_COUNT - 1}", f"shop-{STORE_COUNT - 2}"]
    assert all(job and job.id == f"{store.id[1:]}-upgrade" for store, job in rows), "the newest job of each"


def test_list_of_many_stores_takes_few_statements(crowded: Ledger) -> None:
    assert len(statements_of(crowded, lambda: crowded.stores.page("U1", limit=20))) <= MAX_STATEMENTS
    assert len(statements_of(crowded, lambda: crowded.stores.page("U1", limit=20, others=True))) <= MAX_STATEMENTS
    page = crowded.stores.page("U1", limit=20)
    assert ([store.name for store in page.stores[:2]], page.total) == (["shop-0", "shop-1"], STORE_COUNT)
    others = crowded.stores.page("U1", limit=20, others=True)
    assert ([store.name for store in others.stores], others.total) == (["other-shop"], 1)


def test_newest_job_of_a_store_is_found_by_index(crowded: Ledger) -> None:
    """No page reads all jobs."""
    db, stores = crowded.connection.db, crowded.stores
    statements = statements_of(crowded, lambda: (stores.with_last_jobs("U1", limit=20), stores.page("U1", limit=20)))
    plan = [row[3] for statement in statements for row in db.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()]
    assert plan
    assert not [step for step in plan if step.startswith("SCAN") and "jobs" in step]


def test_failed_stores_come_first_on_home(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    failed = orders.failed(orders.create("broken-shop"), Problem("It is broken."))
    for name in ("shop-a", "shop-b"):
        clock.now += 1
        orders.finished(orders.create(name))
    gone = orders.create("gone-shop")
    orders.finished(orders.delete(gone))
    rows, total = ledger.stores.with_last_jobs("U1", limit=2)
    assert [(store.name, job and job.status) for store, job in rows] == [
        ("broken-shop", "failed"),
        ("shop-b", "succeeded"),
    ]
    assert (rows[0][1], total) == (orders.job(failed), 3)


def test_store_without_jobs_has_no_last_job(ledger: Ledger) -> None:
    ledger.stores.adopt(SHOP)
    assert ledger.stores.with_last_jobs("U9", limit=9) == ([(SHOP, None)], 1)
    assert ledger.stores.with_last_jobs("U1", limit=9) == ([], 0)
