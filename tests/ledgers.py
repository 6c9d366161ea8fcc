"""A ledger, and orders placed on it as the bot does, for tests of everything below Slack."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import Problem
from provisioner.domain.job import Job, JobKind
from provisioner.domain.limits import Limits
from provisioner.domain.store import Addresses, Store, StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.schema import migrations
from provisioner.log_context import new_id
from provisioner.operations.delete import DELETE
from provisioner.operations.journal import JobJournal
from provisioner.operations.registry import DEFAULT_DEADLINES
from provisioner.operations.spec import Operation
from provisioner.operations.steps.kept_store import KeptStore
from provisioner.operations.upgrade import UPGRADE
from provisioner.orders import OrderContext, Orders, StoreRequest

CHARTS = Path(__file__).parents[1] / "charts"
ADDRESSES = Addresses("localhost", port=8081)
NO_LIMITS = Limits(stores_per_person=10**6, creations_per_hour=10**6)
PERSON = "U1"


@cache
def repository_catalog() -> Catalog:
    """The store types of this repository."""
    return Catalog(CHARTS)


class SampleOrders:
    """Places the orders of one person, and plays the worker that ends their jobs.

    An order without a delivery key gets one of its own."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        catalog: Catalog | None = None,
        addresses: Addresses = ADDRESSES,
        limits: Limits = NO_LIMITS,
        deadlines: Mapping[JobKind, float] = DEFAULT_DEADLINES,
        person: str = PERSON,
        origin: str = "C1",
        type: str = "medusa",
    ) -> None:
        self.ledger, self.journal = ledger, JobJournal(ledger)
        self.orders = Orders(ledger, catalog or repository_catalog(), addresses, limits, deadlines)
        self.person, self.origin, self.type = person, origin, type

    # --- orders -----------------------------------------------------------------------------------------------------

    def create(
        self, name: str = "my-shop", key: str = "", *, owner: str = "", options: Mapping[str, str] | None = None
    ) -> Job:
        request = StoreRequest(name, self.type, options or {}, owner or None)
        return self.orders.create(self._context(key), request)

    def place(
        self,
        operation: Operation,
        job: Job,
        key: str = "",
        *,
        person: str = "",
        arguments: dict[str, str] | None = None,
    ) -> Job:
        """Order an operation on the store of `job`."""
        return self.orders.place(self._context(key, person), operation, job.store_id, arguments)

    def upgrade(self, job: Job, key: str = "") -> Job:
        return self.place(UPGRADE, job, key)

    def change(self, job: Job, values: Mapping[str, str]) -> Job:
        """Order other values for what can be set of the store of `job`."""
        return self.orders.change(self._context(""), job.store_id, values)

    def delete(self, job: Job, key: str = "") -> Job:
        return self.place(DELETE, job, key)

    def clone(self, job: Job, name: str, backup: str = "") -> Job:
        """Order a clone of the store of `job`."""
        return self.orders.clone(self._context(""), job.store_id, name, backup)

    def recover(self, kept: KeptStore) -> Job:
        """Order a store back that is gone from the cluster."""
        return self.orders.recover(self._context(""), kept)

    def retry(self, job: Job, key: str = "", *, person: str = "") -> Job:
        return self.orders.retry(self._context(key, person), job.id)

    def _context(self, key: str, person: str = "") -> OrderContext:
        return OrderContext(self.orders.actor(person or self.person), self.origin, key or new_id())

    # --- the worker -------------------------------------------------------------------------------------------------

    def claimed(self, job: Job | None = None) -> Job:
        """The next due job, set running; it must be `job` if one is given."""
        running = self.ledger.jobs.claim()
        assert running is not None
        assert job is None or running.id == job.id
        return running

    def finished(self, job: Job, version: str = "") -> Job:
        """`job` after its success; `version` is the chart version that its store runs now."""
        running = self.claimed(job)
        self.journal.succeed(running, version)
        return running

    def failed(self, job: Job, problem: Problem, *, store_unchanged: bool = False) -> Job:
        """`job` after its failure."""
        running = self.claimed(job)
        self.journal.fail(running, problem, store_unchanged=store_unchanged)
        return running

    # --- what the ledger has now ------------------------------------------------------------------------------------

    def store(self, name: str = "my-shop") -> Store:
        """The store that has this name; it must exist."""
        found = self.ledger.stores.named(name)
        assert found is not None
        return found

    def job_of(self, name: str) -> Job:
        """The newest job of the store that has this name."""
        found = self.ledger.jobs.last(self.store(name).id)
        assert found is not None
        return found

    def job(self, job: Job) -> Job:
        """The job as the ledger has it now."""
        found = self.ledger.jobs.get(job.id)
        assert found is not None
        return found


@contextmanager
def exclusive_ledger(path: Path, *args: Any, **options: Any) -> Iterator[Ledger]:
    """`Ledger.exclusive`, closed at the end of the block."""
    opened = Ledger.exclusive(path, *args, **options)
    try:
        yield opened
    finally:
        opened.close()


def statements_of(ledger: Ledger, act: Callable[[], object]) -> list[str]:
    """The SQL statements that `act` runs on this thread's connection, without sqlite-utils' savepoints."""
    statements: list[str] = []
    connection = ledger.connection.db.conn
    connection.set_trace_callback(statements.append)
    try:
        act()
    finally:
        connection.set_trace_callback(None)
    return [statement for statement in statements if not statement.startswith(("SAVEPOINT", "RELEASE"))]


def add_many_stores(ledger: Ledger, count: int, owner: str = PERSON) -> None:
    """Stores shop-0, shop-1, … of one person, each with two jobs that succeeded, s0-create and s0-upgrade."""
    stores, jobs = [], []
    for number in range(count):
        name = f"shop-{number}"
        store = Store(
            id=f"s{number}",
            name=name,
            type="medusa",
            status=StoreStatus.READY,
            owner=owner,
            origin="C1",
            namespace=f"store-{name}",
            url=f"http://{name}.localhost",
            admin_url=f"http://{name}.localhost/app",
            created_at=float(number),
            ready_at=float(number),
            release=name,
        )
        stores.append(store.__dict__)
        jobs += [_succeeded_job(store, kind, store.created_at + at) for at, kind in enumerate(("create", "upgrade"))]
    with ledger.transaction() as db:
        db.table("stores").insert_all(stores)
        db.table("jobs").insert_all(jobs)


def _succeeded_job(store: Store, kind: str, at: float) -> dict[str, Any]:
    return {
        "id": f"{store.id}-{kind}",
        "kind": kind,
        "store_id": store.id,
        "store": store.name,
        "status": "succeeded",
        "requested_by": store.owner,
        "origin": "C1",
        "delivery_key": f"{store.id}-{kind}",
        "attempts": 1,
        "created_at": at,
        "due_at": at,
        "allowed": 900.0,
        "deadline_at": at + 900,
        "finished_at": at,
    }


def write_first_ledger(path: Path) -> None:
    """Write a ledger with the schema of the first version, and with one store."""
    with closing(sqlite3.connect(path)) as connection:
        migrations.apply(Database(connection), stop_before="m0002_chosen_options")
        with connection:
            connection.execute(
                """INSERT INTO stores VALUES
                   ('1', 'my-shop', 'medusa', 'ready', 'U1', 'C1', 'store-my-shop', 'url', 'admin', 1, 2, NULL, NULL)"""
            )


def write_as_later_version(path: Path) -> None:
    """Record a migration that this version does not know."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            """INSERT INTO _sqlite_migrations (migration_set, name, applied_at)
               VALUES ('storewright', 'm9999_later', '')"""
        )
