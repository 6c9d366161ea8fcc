"""Orders on a real ledger: rights, limits, the store's state, repeated deliveries and races."""

from __future__ import annotations

import threading

import pytest

from bot.builders import build_orders
from bot.settings import Settings, StoreSettings
from provisioner.domain.errors import (
    BadOption,
    InvalidName,
    LimitReached,
    NotAllowed,
    Problem,
    Refused,
    StoreBusy,
    StoreDeleted,
    StoreExists,
    StoreNotFound,
    StorewrightError,
    Superseded,
    UnknownStoreType,
)
from provisioner.domain.job import EventKind, JobStatus
from provisioner.domain.limits import Limits
from provisioner.domain.policy import Actor
from provisioner.domain.store import Addresses, StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxKind
from provisioner.operations.delete import DELETE
from provisioner.operations.registry import DEFAULT_DEADLINES
from provisioner.operations.spec import Operation
from provisioner.operations.upgrade import UPGRADE
from provisioner.orders import OrderContext, Orders, StoreRequest
from tests.conftest import Clock
from tests.environment import NEEDED
from tests.ledgers import ADDRESSES, SampleOrders, repository_catalog

# --- create ------------------------------------------------------------------------------------------------------


def test_order_makes_store_job_and_outbox_entry(ledger: Ledger, orders: SampleOrders) -> None:
    job = orders.create("my-shop")
    store = orders.store("my-shop")
    assert (store.status, store.url) == (StoreStatus.CREATING, "http://my-shop.localhost:8081")
    assert store.admin_url == "http://my-shop.localhost:8081/app"
    assert (store.namespace, store.release, store.host) == ("store-my-shop", "my-shop", "my-shop.localhost")
    assert [event.kind for event in ledger.jobs.events(job.id)] == [EventKind.QUEUED]
    assert [(entry.kind, entry.subject) for entry in ledger.outbox.due()] == [(OutboxKind.SUMMARY, job.id)]


def test_order_without_type_creates_default_type(ledger: Ledger, orders: SampleOrders) -> None:
    context = OrderContext(Actor("U1"), "C1", "k")
    orders.orders.create(context, StoreRequest("my-shop", None, {}))
    assert orders.store().type == repository_catalog().default.name


def test_order_keeps_chosen_options(orders: SampleOrders) -> None:
    orders.create("my-shop", options={"currency": "usd"})
    options = repository_catalog().get("medusa").asked
    assert orders.store("my-shop").options == {option.id: option.default for option in options} | {"currency": "usd"}


def test_order_for_another_person_counts_for_that_person(orders: SampleOrders) -> None:
    job = orders.create("my-shop", owner="U2")
    assert (job.requested_by, orders.store("my-shop").owner) == ("U2", "U2")


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (StoreRequest("My Shop", "medusa", {}), InvalidName),
        (StoreRequest("my-shop", "nothing", {}), UnknownStoreType),
        (StoreRequest("my-shop", "medusa", {"currency": "?"}), BadOption),
    ],
    ids=["name", "type", "option"],
)
def test_wrong_order_is_refused_and_changes_nothing(
    ledger: Ledger, orders: SampleOrders, request_: StoreRequest, error: type[StorewrightError]
) -> None:
    with pytest.raises(error):
        orders.orders.create(OrderContext(Actor("U1"), "C1", "k"), request_)
    assert ledger.stores.all() == []
    assert ledger.statistics.counts().jobs == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("deploy", "deploy.shops.example.com is the address of Storewright itself. Try my-deploy."),
        ("medusa", "“medusa” is a store type. A store has a name of its own. Try my-medusa."),
        ("https://new-shop.shops.example.com/app", "is an address. A name is its first part. Try new-shop."),
        ("new-shop.shops.example.com", "Try new-shop."),
        ("new-shop.example.com", "Try new-shop-example-com."),
    ],
)
def test_name_that_is_not_free_for_stores_is_refused(ledger: Ledger, name: str, why: str) -> None:
    addresses = Addresses("shops.example.com", "https")
    own_hosts = frozenset({"deploy.shops.example.com"})
    orders = Orders(ledger, repository_catalog(), addresses, Limits(), DEFAULT_DEADLINES, frozenset(), own_hosts)
    context = OrderContext(Actor("U1"), "C1", "k")
    with pytest.raises(InvalidName) as refusal:
        orders.create(context, StoreRequest(name, "medusa", {}))
    assert why in str(refusal.value)
    assert ledger.stores.all() == []
    suggestion = str(refusal.value).rpartition("Try ")[2].rstrip(".")
    assert orders.create(context, StoreRequest(suggestion, "medusa", {})).store == suggestion


def test_host_of_the_bot_is_refused(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the settings have it: with any port and in capitals, in the bot and in a terminal that knows PUBLIC_URL."""
    for name, value in {**NEEDED, "PUBLIC_URL": "https://Deploy.Shops.Example.com:8443/x"}.items():
        monkeypatch.setenv(name, value)
    for settings in (Settings.from_environment(), StoreSettings.from_environment()):
        orders = build_orders(settings, ledger, repository_catalog())
        with pytest.raises(InvalidName, match=r"deploy\.shops\.example\.com is the address of Storewright itself"):
            orders.create(OrderContext(Actor("U1"), "C1", "k"), StoreRequest("deploy", None, {}))
    monkeypatch.delenv("PUBLIC_URL")
    assert StoreSettings.from_environment().own_hosts == frozenset()


def test_name_too_long_for_a_certificate_is_refused_with_a_shorter_one(ledger: Ledger) -> None:
    addresses = Addresses("a-very-long-department-name.shops.example.com", "https")
    orders = Orders(ledger, repository_catalog(), addresses, Limits(), DEFAULT_DEADLINES)
    with pytest.raises(InvalidName, match=r"3 to 18 of a-z.* Try my-wonderful-tea-s\.") as refusal:
        orders.create(OrderContext(Actor("U1"), "C1", "k"), StoreRequest("my-wonderful-tea-shop", None, {}))
    assert refusal.value.problem.next_step == "Try my-wonderful-tea-s."
    assert orders.create(OrderContext(Actor("U1"), "C1", "k"), StoreRequest("my-wonderful-tea-s", None, {}))


def test_repeated_delivery_returns_first_job(ledger: Ledger, orders: SampleOrders) -> None:
    assert orders.create(key="k") == orders.create(key="k")
    assert len(ledger.stores.all()) == 1


def test_one_of_twelve_concurrent_orders_for_a_name_succeeds(orders: SampleOrders) -> None:
    outcomes: list[str] = []

    def order(number: int) -> None:
        try:
            orders.create(key=f"race-{number}")
            outcomes.append("ordered")
        except StoreBusy:
            outcomes.append("busy")

    threads = [threading.Thread(target=order, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["busy"] * 11 + ["ordered"]


def test_taken_name_is_refused_with_the_job_of_its_store(ledger: Ledger, orders: SampleOrders) -> None:
    job = orders.create()
    with pytest.raises(StoreBusy, match="already being created"):
        orders.create()
    orders.finished(job)
    with pytest.raises(StoreExists, match="already"):
        orders.create()
    orders.delete(job)
    with pytest.raises(StoreBusy, match="being deleted"):
        orders.create()
    assert len(ledger.stores.all()) == 1


def test_limit_reports_when_the_next_order_is_allowed(ledger: Ledger, clock: Clock) -> None:
    orders = SampleOrders(ledger, limits=Limits(stores_per_person=3, creations_per_hour=5))
    for number in range(3):
        orders.create(f"shop-{number}")
        clock.now += 60
    with pytest.raises(LimitReached, match="3 is the limit"):
        orders.create("shop-9")
    assert orders.create("other-shop", owner="U2"), "another person has their own limit"
    hourly = SampleOrders(ledger, limits=Limits(stores_per_person=99, creations_per_hour=3))
    with pytest.raises(LimitReached) as refusal:
        hourly.create("shop-8")
    assert "You can order the next one in 57 min" in str(refusal.value)
    clock.now = refusal.value.free_at or 0
    assert hourly.create("shop-8")


def test_order_over_the_limit_changes_nothing(ledger: Ledger) -> None:
    orders = SampleOrders(ledger, limits=Limits(stores_per_person=3, creations_per_hour=5))
    orders.create("shop-a"), orders.create("shop-b"), orders.create("shop-c")
    before = ledger.statistics.counts()
    with pytest.raises(LimitReached):
        orders.create("shop-d")
    assert ledger.statistics.counts() == before


# --- upgrade -----------------------------------------------------------------------------------------------------


def test_store_stays_ready_during_an_upgrade_and_after_its_rollback(ledger: Ledger, orders: SampleOrders) -> None:
    made = orders.finished(orders.create(), "0.1.0")
    job = orders.upgrade(made, "upgrade")
    assert orders.upgrade(made, "upgrade") == job, "a repeated delivery is the same job"
    assert (job.allowed, job.retry_of) == (UPGRADE.deadline_seconds, None)
    with pytest.raises(StoreBusy, match="my-shop is being upgraded right now"):
        orders.upgrade(made)
    assert orders.store().status == StoreStatus.READY
    orders.failed(job, Problem("The migration failed."), store_unchanged=True)
    assert (orders.store().status, orders.store().version) == (StoreStatus.READY, "0.1.0")
    assert f"failure:{job.id}" in [entry.key for entry in ledger.outbox.due()]
    again = orders.retry(job)
    assert orders.store().status == StoreStatus.READY
    ready_at = orders.store().ready_at
    orders.finished(again, "0.2.0")
    assert (orders.store().version, orders.store().ready_at) == ("0.2.0", ready_at)
    assert ledger.jobs.events(again.id)[-1].detail == "0.2.0"


def test_upgrade_that_fails_after_its_first_change_leaves_a_failed_store(ledger: Ledger, orders: SampleOrders) -> None:
    made = orders.finished(orders.create(), "0.1.0")
    job = orders.claimed(orders.upgrade(made))
    ledger.jobs.record(job, EventKind.STARTED, "release")
    orders.journal.fail(job, Problem("It is broken."))
    assert orders.store().status == StoreStatus.FAILED
    with pytest.raises(Refused, match="my-shop has failed, so it can't be upgraded now"):
        orders.upgrade(made)
    orders.finished(orders.retry(job), "0.2.0")
    assert orders.store().status == StoreStatus.READY


def test_only_a_ready_store_is_upgraded(orders: SampleOrders) -> None:
    job = orders.create()
    with pytest.raises(StoreBusy, match="being created right now"):
        orders.upgrade(job)
    removal = orders.delete(orders.finished(job))
    with pytest.raises(StoreBusy, match="being deleted right now"):
        orders.upgrade(job)
    orders.finished(removal)
    with pytest.raises(StoreNotFound):
        orders.upgrade(job)


# --- delete ------------------------------------------------------------------------------------------------------


def test_delete_supersedes_a_running_upgrade(ledger: Ledger, orders: SampleOrders) -> None:
    made = orders.finished(orders.create())
    job = orders.claimed(orders.upgrade(made))
    removal = orders.delete(made)
    assert orders.job(job).status == JobStatus.SUPERSEDED
    orders.finished(removal)
    assert ledger.stores.named("my-shop") is None


def test_delete_supersedes_a_running_create(ledger: Ledger, orders: SampleOrders) -> None:
    create = orders.claimed(orders.create())
    removal = orders.delete(create)
    with pytest.raises(Superseded):
        ledger.jobs.record(create, EventKind.STARTED, "release")
    with pytest.raises(Superseded):
        orders.journal.succeed(create)
    with pytest.raises(Superseded):
        orders.journal.fail(create, Problem("too late"))
    assert ledger.jobs.claim(["my-shop"]) is None, "its store is busy until the create's thread ends"
    orders.finished(removal)
    gone = ledger.stores.get(create.store_id)
    assert gone is not None
    assert (gone.status, gone.deleted_by) == (StoreStatus.DELETED, "U1")
    assert ledger.stores.named("my-shop") is None
    assert orders.create().store_id != create.store_id, "the name is free again"


def test_second_delete_is_refused_until_and_after_the_first_ends(orders: SampleOrders) -> None:
    job = orders.create()
    removal = orders.delete(job, "click")
    assert orders.delete(job, "click") == removal, "the same click again"
    with pytest.raises(StoreBusy, match="being deleted right now"):
        orders.delete(job, "another click")
    orders.finished(removal)
    with pytest.raises(StoreNotFound, match="already deleted") as refusal:
        orders.delete(job, "a stale button")
    assert isinstance(refusal.value, StoreDeleted)
    assert refusal.value.deleted_by == "U1"


# --- retry -------------------------------------------------------------------------------------------------------


def test_failed_job_is_retried_once_at_a_time(ledger: Ledger, orders: SampleOrders) -> None:
    problem = Problem("image missing", "typo", "fix it", "log")
    job = orders.failed(orders.create(), problem)
    assert {entry.kind for entry in ledger.outbox.due()} == {"summary", "stages", "failure"}
    assert orders.job(job).problem == problem
    again = orders.retry(job)
    assert again.retry_of == job.id
    assert orders.store().status == StoreStatus.CREATING
    with pytest.raises(StoreBusy):
        orders.retry(job, "second click")
    orders.finished(again)
    with pytest.raises(Refused, match="nothing to retry"):
        orders.retry(job, "stale")


def test_failed_delete_is_retried_as_a_delete(orders: SampleOrders) -> None:
    job = orders.failed(orders.delete(orders.create()), Problem("A finalizer holds it."))
    assert orders.store().status == StoreStatus.FAILED
    again = orders.retry(job)
    assert (again.kind, orders.store().status) == (DELETE.kind, StoreStatus.DELETING)


def test_repeated_retry_returns_first_job(orders: SampleOrders) -> None:
    job = orders.failed(orders.create(), Problem("It is broken."))
    assert orders.retry(job, "k") == orders.retry(job, "k")


# --- rights ------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_admin(ledger: Ledger) -> SampleOrders:
    made = SampleOrders(ledger)
    made.orders = Orders(ledger, repository_catalog(), ADDRESSES, Limits(), DEFAULT_DEADLINES, frozenset({"A1"}))
    return made


@pytest.mark.parametrize("operation", [UPGRADE, DELETE], ids=["upgrade", "delete"])
def test_only_owner_and_admins_order_on_a_store(with_admin: SampleOrders, operation: Operation) -> None:
    made = with_admin.finished(with_admin.create())
    with pytest.raises(NotAllowed, match="my-shop belongs to U1"):
        with_admin.place(operation, made, person="U2")
    assert with_admin.place(operation, made, person="A1").requested_by == "A1"


def test_only_owner_and_admins_retry(with_admin: SampleOrders) -> None:
    job = with_admin.failed(with_admin.create(), Problem("It is broken."))
    with pytest.raises(NotAllowed):
        with_admin.retry(job, person="U2")
    assert with_admin.job(job).status == JobStatus.FAILED
    assert with_admin.retry(job, person="A1").live


# --- which store -------------------------------------------------------------------------------------------------


def test_unknown_name_is_answered_with_a_similar_name(orders: SampleOrders) -> None:
    orders.create("my-shop")
    assert orders.orders.lookup.named("my-shop") == orders.store("my-shop")
    with pytest.raises(StoreNotFound, match=r"no store called “my-shp”\. Did you mean my-shop\?"):
        orders.orders.lookup.named("my-shp")
    with pytest.raises(StoreNotFound, match="/store list shows all stores"):
        orders.orders.lookup.named("zzzzz")


def test_name_of_a_deleted_store_is_answered_with_its_deletion(orders: SampleOrders, clock: Clock) -> None:
    job = orders.delete(orders.create("my-shop"))
    clock.now += 60
    orders.finished(job)
    with pytest.raises(StoreDeleted, match="already deleted by U1") as answer:
        orders.orders.lookup.named("my-shop")
    assert answer.value.deleted_at == clock.now


def test_only_owner_and_admins_get_a_store_to_manage(with_admin: SampleOrders) -> None:
    with_admin.create("my-shop")
    managed = with_admin.orders
    for person in ("U1", "A1"):
        assert managed.lookup.managed(managed.actor(person), "my-shop").name == "my-shop"
    with pytest.raises(NotAllowed):
        managed.lookup.managed(managed.actor("U2"), "my-shop")
