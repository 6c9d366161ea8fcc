"""Restarts of real shops while people buy: every order that was confirmed to a shopper exists afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.cluster import Cluster as DevCluster
from provisioner.domain.job import Job, JobStatus
from provisioner.domain.store import SECRET_NAME, StoreStatus
from tests.e2e import medusa, woocommerce
from tests.e2e.pod_history import PodHistory
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.shoppers import Shoppers, Visits
from tests.e2e.store_release import PNG
from tests.e2e.woocommerce import require_plugin

SHOPPERS = 2


@pytest.fixture
def create(cluster: DevCluster, tmp_path: Path) -> Iterator[Callable[[str, str], tuple[ProvisionerHarness, Job]]]:
    """Creates a store of a type, with a name."""
    opened: list[ProvisionerHarness] = []

    def start(type: str, name: str) -> tuple[ProvisionerHarness, Job]:
        harness = ProvisionerHarness(cluster, tmp_path, type=type)
        opened.append(harness)
        made = harness.succeeded(harness.create(name), 300)
        return harness, made

    yield start
    for harness in opened:
        harness.close()
        harness.remove_all()


def secret_of(harness: ProvisionerHarness, name: str) -> dict[str, str]:
    return harness.tools.cluster.read_secret(harness.store(name).namespace, SECRET_NAME)


def sold_during_restart(
    harness: ProvisionerHarness, made: Job, buy: Callable[[], Any], visit: Callable[[], Any]
) -> set[Any]:
    """The orders that were confirmed to shoppers right before, during and after a restart; prints figures."""
    namespace = harness.store(made.store).namespace
    history = PodHistory(harness.cluster.kubeconfig, namespace)
    with Visits(visit) as visits, Shoppers(buy, SHOPPERS) as shoppers, history:
        shoppers.wait_for_orders(2 * SHOPPERS, 180)
        before = len(shoppers.confirmed)
        job = harness.ended(harness.restart(made), 300)
        during = len(shoppers.confirmed) - before
        shoppers.wait_for_orders(2 * SHOPPERS, 180)
    assert job.status == JobStatus.SUCCEEDED, job.problem
    assert harness.store(made.store).status == StoreStatus.READY
    assert [len(history.uids(component)) for component in ("database", "application")] == [2, 2]
    assert visits.failed, "the shop was never away: the test does not see its restart"
    report(harness, job, visits)
    after = len(shoppers.confirmed) - before - during
    print(
        f"orders confirmed: {before} before, {during} during, {after} after; {len(shoppers.failures)} attempts failed"
    )
    assert len(set(shoppers.confirmed)) == len(shoppers.confirmed)
    return set(shoppers.confirmed)


def report(harness: ProvisionerHarness, job: Job, visits: Visits) -> None:
    """Print how long a restart took, and how long the shop did not answer."""
    assert job.finished_at is not None
    events = harness.ledger.jobs.events(job.id)
    stages = ", ".join(f"{event.stage} {event.seconds:.1f} s" for event in events if event.seconds is not None)
    print(
        f"{job.store}: restarted in {job.finished_at - job.created_at:.1f} s ({stages}); no answer for "
        f"{visits.unavailable_seconds:.1f} s in {len(visits.outages)} outages, {visits.failed} failed visits"
    )


def test_restarted_medusa_store_has_every_confirmed_order(
    create: Callable[[str, str], tuple[ProvisionerHarness, Job]],
) -> None:
    harness, made = create("medusa", "busy-medusa")
    namespace = harness.store("busy-medusa").namespace
    store = medusa.MedusaStore(harness.cluster, "busy-medusa", namespace, secret_of(harness, "busy-medusa"))
    store.stock_up()
    offer = store.offer()
    picture = store.upload("dot.png", PNG)
    confirmed = sold_during_restart(
        harness, made, lambda: store.place_order(offer)["id"], lambda: store.store_api("/products?limit=1&fields=id")
    )
    placed = [order["id"] for order in store.orders()]
    assert confirmed <= set(placed)
    assert len(placed) == len(set(placed))
    assert store.request(picture).content == PNG
    assert store.restarts("application") == store.restarts("database") == 0


def test_restarted_woocommerce_store_has_every_confirmed_order(
    create: Callable[[str, str], tuple[ProvisionerHarness, Job]],
) -> None:
    require_plugin()
    harness, made = create("woocommerce", "busy-woo")
    store = woocommerce.WooCommerceStore(
        harness.cluster, "busy-woo", harness.store("busy-woo").namespace, secret_of(harness, "busy-woo")
    )
    for table, column in {"wp_postmeta": "meta_value", "wp_wc_product_meta_lookup": "stock_quantity"}.items():
        only = " where meta_key = '_stock'" if table == "wp_postmeta" else ""
        store.sql(f"update {table} set {column} = 10000{only}")  # noqa: S608
    confirmed = sold_during_restart(
        harness, made, lambda: store.place_order()["order_id"], lambda: store.store_api("/products?per_page=1")
    )
    placed = {int(number) for number in store.sql("select id from wp_wc_orders where status = 'wc-processing'")}
    assert confirmed <= placed
    assert store.restarts("application") == store.restarts("database") == 0


def test_restarted_wordpress_keeps_its_pictures_and_its_admin(
    create: Callable[[str, str], tuple[ProvisionerHarness, Job]],
) -> None:
    """Also without the WooCommerce plugin."""
    harness, made = create("woocommerce", "busy-press")
    store = woocommerce.WooCommerceStore(
        harness.cluster, "busy-press", harness.store("busy-press").namespace, secret_of(harness, "busy-press")
    )
    picture = store.upload("dot.png", PNG)

    def visit() -> None:
        assert store.request("/").status_code == 200

    with Visits(visit) as visits:
        job = harness.succeeded(harness.restart(made), 300)
    report(harness, job, visits)
    assert store.request(picture).content == PNG
    with store.admin_session() as owner:
        assert owner.get("/wp-admin/").status_code == 200
