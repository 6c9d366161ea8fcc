"""Sudden deaths of a WooCommerce shop's database while people buy: what a shopper was told is ordered stays ordered."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from dev.cluster import Cluster
from tests.e2e import woocommerce
from tests.e2e.shoppers import kill_database, sold_through
from tests.e2e.woocommerce import Shop, need_plugin

pytestmark = pytest.mark.skipif("KUBE_CONTEXT" in os.environ, reason="another cluster's processes are not ours to kill")


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[Shop]:
    """A shop with enough of everything in stock, once it answers."""
    need_plugin()
    with woocommerce.shop(cluster, "woo-survivor") as one:
        one.install()
        for table, column in {"wp_postmeta": "meta_value", "wp_wc_product_meta_lookup": "stock_quantity"}.items():
            only = " where meta_key = '_stock'" if table == "wp_postmeta" else ""
            one.sql(f"update {table} set {column} = 10000{only}")  # noqa: S608
        yield one


def test_every_confirmed_order_outlives_sudden_deaths_of_the_database(shop: Shop) -> None:
    confirmed = sold_through(
        lambda: shop.buy()["order_id"], number=2, deaths=4, kill=lambda _: kill_database(shop, b"mariadbd")
    )
    placed = {int(number) for number in shop.sql("select id from wp_wc_orders where status = 'wc-processing'")}
    assert confirmed <= placed
    assert shop.restarts("application") == 0
