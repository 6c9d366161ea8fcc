"""Sudden deaths of a Medusa shop's database while people buy: what a shopper was told is ordered stays ordered."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from dev.cluster import Cluster
from tests.e2e import medusa
from tests.e2e.medusa import Shop
from tests.e2e.shoppers import kill_database, sold_through

pytestmark = pytest.mark.skipif("KUBE_CONTEXT" in os.environ, reason="another cluster's processes are not ours to kill")


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[Shop]:
    """A shop with enough of everything in stock, once it answers."""
    with medusa.shop(cluster, "survivor") as one:
        one.install()
        one.sql("""update inventory_level set stocked_quantity = 10000, raw_stocked_quantity = '{"value": "10000"}'""")
        yield one


def test_every_confirmed_order_outlives_sudden_deaths_of_the_database(shop: Shop) -> None:
    """Every other time only the process dies that serves one of its connections, which makes it recover too."""

    def kill(death: int) -> None:
        whole = death % 2 == 0
        kill_database(shop, b"/data/postgresql" if whole else b"postgres: medusa medusa", whole=whole)

    confirmed = sold_through(lambda: shop.buy()["id"], number=3, deaths=6, kill=kill)
    assert confirmed <= {order["id"] for order in shop.orders()}
    assert shop.restarts("application") == 0
