"""Stores in a real ledger: options, adoption, and pages that take few statements with thousands of stores."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.ledger import Ledger
from tests.ledgers import SampleOrders, add_many_stores, statements_of

SHOP = Store(
    id="s1",
    name="old-shop",
    type="medusa",
    status=StoreStatus.READY,
    owner="U9",
    origin="{}",
    namespace="store-old-shop",
    url="u",
    admin_url="a",
    created_at=1.0,
    ready_at=2.0,
    release="old-shop",
)
STORE_COUNT = 10_000
MAX_STATEMENTS = 3  # for one page, for any number of stores


def test_options_are_kept_with_the_store(ledger: Ledger) -> None:
    store = replace(SHOP, options={"currency": "usd", "label": "Kč “x”"})
    ledger.stores.add(store)
    assert ledger.stores.get("s1") == store
    found = replace(store, id="other", name="found-shop")
    assert ledger.stores.adopt(found)
    assert ledger.stores.named("found-shop") == found


def test_store_that_only_the_cluster_has_is_adopted_once(ledger: Ledger) -> None:
    assert ledger.stores.adopt(SHOP)
    assert not ledger.stores.adopt(SHOP)
    assert not ledger.stores.adopt(replace(SHOP, id="s2")), "another store has the name"
    assert ledger.stores.named("old-shop") == SHOP


def test_release_and_namespace_are_not_derived_from_the_name(ledger: Ledger) -> None:
    store = replace(SHOP, release="r-1", namespace="elsewhere", url="https://shop.example.com:444")
    ledger.stores.add(store)
    known = ledger.stores.named("old-shop")
    assert known is not None
    assert (known.release, known.namespace, known.host) == ("r-1", "elsewhere", "shop.example.com")


# --- pages -------------------------------------------------------------------------------------------------------


@pytest.fixture
def crowded(ledger: Ledger) -> Ledger:
    """A ledger with STORE_COUNT stores of U1, and one of U2."""
    add_many_stores(ledger, STORE_COUNT)
    SampleOrders(ledger).create("other-shop", owner="U2")
    return ledger


def test_list_of_many_stores_takes_few_statements(crowded: Ledger) -> None:
    assert len(statements_of(crowded, lambda: crowded.stores.page("U1", limit=20))) <= MAX_STATEMENTS
    assert len(statements_of(crowded, lambda: crowded.stores.page("U1", limit=20, others=True))) <= MAX_STATEMENTS
    page = crowded.stores.page("U1", limit=20)
    assert ([store.name for store in page.stores[:2]], page.total) == (["shop-0", "shop-1"], STORE_COUNT)
    others = crowded.stores.page("U1", limit=20, others=True)
    assert ([store.name for store in others.stores], others.total) == (["other-shop"], 1)
