"""Sudden deaths of a WooCommerce shop's database while people buy: what a shopper was told is ordered stays ordered."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator

import pytest

from dev.cluster import Cluster
from tests.e2e import woocommerce
from tests.e2e.shoppers import Shoppers
from tests.e2e.shops import process, ready, until
from tests.e2e.woocommerce import Shop, need_plugin

pytestmark = pytest.mark.skipif("KUBE_CONTEXT" in os.environ, reason="another cluster's processes are not ours to kill")
KILLS = 4
SHOPPERS = 2


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[Shop]:
    """A shop with enough of everything in stock, once it answers."""
    need_plugin()
    with woocommerce.shop(cluster, "woo-survivor") as one:
        done = one.helm("install")
        assert done.returncode == 0, done.stderr
        until("the shop answers through the ingress", one.answers)
        for table, column in {"wp_postmeta": "meta_value", "wp_wc_product_meta_lookup": "stock_quantity"}.items():
            only = " where meta_key = '_stock'" if table == "wp_postmeta" else ""
            one.sql(f"update {table} set {column} = 10000{only}")  # noqa: S608
        yield one


def test_every_confirmed_order_outlives_sudden_deaths_of_the_database(shop: Shop) -> None:
    with Shoppers(lambda: shop.buy()["order_id"], SHOPPERS) as shoppers:
        for _ in range(KILLS):
            shoppers.go_on(SHOPPERS)
            time.sleep(secrets.randbelow(1500) / 1000)
            pod = shop.pod("database")
            os.kill(process(pod, b"mariadbd"), signal.SIGKILL)
            shop.kubectl(
                "delete", "pod", pod["metadata"]["name"]
            )  # the same one would wait ever longer to be restarted
            until("the database is ready again", lambda: ready(shop.pod("database")))
        shoppers.go_on(2 * SHOPPERS)
    print(f"{len(shoppers.confirmed)} orders confirmed, {len(shoppers.failures)} attempts failed")
    assert shoppers.failures, "no shopper noticed anything: nothing was killed"
    placed = {int(number) for number in shop.sql("select id from wp_wc_orders where status = 'wc-processing'")}
    assert set(shoppers.confirmed) <= placed
    restarts = [c["restartCount"] for c in shop.pod("application")["status"]["containerStatuses"]]
    assert restarts == [0, 0]
