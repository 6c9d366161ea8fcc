"""Sudden deaths of a Medusa shop's database while people buy: what a shopper was told is ordered stays ordered."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator

import pytest

from dev.cluster import Cluster
from tests.e2e import medusa
from tests.e2e.medusa import Shop
from tests.e2e.shoppers import Shoppers
from tests.e2e.shops import process, ready, until

pytestmark = pytest.mark.skipif("KUBE_CONTEXT" in os.environ, reason="another cluster's processes are not ours to kill")
KILLS = 6
SHOPPERS = 3
BACKENDS = b"postgres: medusa medusa"


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[Shop]:
    """A shop with enough of everything in stock, once it answers."""
    with medusa.shop(cluster, "survivor") as one:
        done = one.helm("install")
        assert done.returncode == 0, done.stderr
        until("the shop answers through the ingress", one.answers)
        one.sql("""update inventory_level set stocked_quantity = 10000, raw_stocked_quantity = '{"value": "10000"}'""")
        yield one


def test_every_confirmed_order_outlives_sudden_deaths_of_the_database(shop: Shop) -> None:
    with Shoppers(lambda: shop.buy()["id"], SHOPPERS) as shoppers:
        for number in range(KILLS):
            shoppers.go_on(SHOPPERS)
            time.sleep(secrets.randbelow(1500) / 1000)
            kill(shop, whole=number % 2 == 0)
        shoppers.go_on(3 * SHOPPERS)
    print(f"{len(shoppers.confirmed)} orders confirmed, {len(shoppers.failures)} attempts failed")
    assert shoppers.failures, "no shopper noticed anything: nothing was killed"
    assert set(shoppers.confirmed) <= {order["id"] for order in shop.orders()}
    assert shop.pod("application")["status"]["containerStatuses"][0]["restartCount"] == 0


def kill(shop: Shop, *, whole: bool) -> None:
    """SIGKILL to the database, or only to the process that serves one of its connections, which makes it recover too.

    A container that died has its pod removed: in the same one Kubernetes would start it only after ever longer pauses.
    """
    pod = shop.pod("database")
    os.kill(process(pod, b"/data/postgresql" if whole else BACKENDS), signal.SIGKILL)
    if whole:
        shop.kubectl("delete", "pod", pod["metadata"]["name"])
    until("the database is ready again", lambda: ready(shop.pod("database")))
