"""A restart of a real shop while people visit it and buy."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from provisioner.domain.job import Job
from tests.e2e.lived_in import LivedInStore
from tests.e2e.pod_history import PodHistory
from tests.e2e.shoppers import Shoppers, Visits

SHOPPERS = 2


def restart_while_people_buy(store: LivedInStore[Any]) -> Job:
    """Restart the store, and add the orders that were confirmed right before, during and after it to its orders.

    Prints figures. Fails if a pod was not replaced, or if the shop was never away."""
    harness, namespace = store.harness, store.shop.namespace
    store.stock_up()
    history = PodHistory(harness.cluster.kubeconfig, namespace)
    with ExitStack() as opened:
        visits = opened.enter_context(Visits(store.visit))
        shoppers = opened.enter_context(Shoppers(store.buy, SHOPPERS)) if store.sells else None
        opened.enter_context(history)
        before = _wait_for_orders(shoppers)
        job = harness.ended(harness.restart(store.made), 300)
        during = len(shoppers.confirmed) - before if shoppers else 0
        after = _wait_for_orders(shoppers)
    assert [len(history.uids(component)) for component in ("database", "application")] == [2, 2]
    assert store.shop.restarts("application") == store.shop.restarts("database") == 0
    assert visits.failed, "the shop was never away: the test does not see its restart"
    _report(store, job, visits)
    if shoppers:
        print(f"orders confirmed: {before} before, {during} during, {after - before - during} after")
        assert len(set(shoppers.confirmed)) == len(shoppers.confirmed)
        store.orders |= set(shoppers.confirmed)
    return job


def _wait_for_orders(shoppers: Shoppers | None) -> int:
    """Wait until each shopper has bought twice; the number of confirmed orders."""
    if not shoppers:
        return 0
    shoppers.wait_for_orders(2 * SHOPPERS, 180)
    return len(shoppers.confirmed)


def _report(store: LivedInStore[Any], job: Job, visits: Visits) -> None:
    """Print how long the restart took, and how long the shop did not answer."""
    assert job.finished_at is not None
    events = store.harness.ledger.jobs.events(job.id)
    stages = ", ".join(f"{event.stage} {event.seconds:.1f} s" for event in events if event.seconds is not None)
    print(
        f"{job.store}: restarted in {job.finished_at - job.created_at:.1f} s ({stages}); no answer for "
        f"{visits.unavailable_seconds:.1f} s in {len(visits.outages)} outages, {visits.failed} failed visits"
    )
