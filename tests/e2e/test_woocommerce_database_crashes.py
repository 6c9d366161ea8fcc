"""A WooCommerce store whose database is killed again and again loses no order that it confirmed to a shopper."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from dev.cluster import Cluster
from tests.e2e import woocommerce
from tests.e2e.shoppers import kill_database, orders_during_crashes
from tests.e2e.woocommerce import WooCommerceStore, require_plugin

pytestmark = pytest.mark.skipif("KUBE_CONTEXT" in os.environ, reason="the processes of another cluster can't be killed")


@pytest.fixture
def store(cluster: Cluster) -> Iterator[WooCommerceStore]:
    """A store with enough stock for the whole test."""
    require_plugin()
    with woocommerce.store(cluster, "woo-survivor") as release:
        release.install()
        for table, column in {"wp_postmeta": "meta_value", "wp_wc_product_meta_lookup": "stock_quantity"}.items():
            only = " where meta_key = '_stock'" if table == "wp_postmeta" else ""
            release.sql(f"update {table} set {column} = 10000{only}")  # noqa: S608
        yield release


def test_confirmed_orders_survive_database_crashes(store: WooCommerceStore) -> None:
    confirmed = orders_during_crashes(
        lambda: store.place_order()["order_id"], shoppers=2, crashes=4, kill=lambda _: kill_database(store, b"mariadbd")
    )
    placed = {int(number) for number in store.sql("select id from wp_wc_orders where status = 'wc-processing'")}
    assert confirmed <= placed
    assert store.restarts("application") == 0
