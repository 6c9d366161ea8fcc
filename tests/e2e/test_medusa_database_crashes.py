"""A Medusa store whose database is killed again and again loses no order that it confirmed to a shopper."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from dev.cluster import Cluster
from tests.e2e import medusa
from tests.e2e.medusa import MedusaStore
from tests.e2e.shoppers import kill_database, orders_during_crashes

pytestmark = pytest.mark.skipif("KUBE_CONTEXT" in os.environ, reason="the processes of another cluster can't be killed")


@pytest.fixture
def store(cluster: Cluster) -> Iterator[MedusaStore]:
    """A store with enough stock for the whole test."""
    with medusa.store(cluster, "survivor") as release:
        release.install()
        release.sql(
            """update inventory_level set stocked_quantity = 10000, raw_stocked_quantity = '{"value": "10000"}'"""
        )
        yield release


def test_confirmed_orders_survive_database_crashes(store: MedusaStore) -> None:
    """Every second kill hits a backend process only: PostgreSQL then restarts all its processes and recovers."""

    def kill(crash: int) -> None:
        main_process = crash % 2 == 0
        command = b"/data/postgresql" if main_process else b"postgres: medusa medusa"
        kill_database(store, command, replace_pod=main_process)

    confirmed = orders_during_crashes(lambda: store.place_order()["id"], shoppers=3, crashes=4, kill=kill)
    assert confirmed <= {order["id"] for order in store.orders()}
    assert store.restarts("application") == 0
