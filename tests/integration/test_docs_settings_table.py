"""The table in docs/operating.md of what existing stores do when a setting changes: each row is checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.clients.helm import Helm
from provisioner.domain.catalog import StoreType
from provisioner.domain.store import Addresses, Store
from provisioner.ledger.ledger import Ledger
from provisioner.operations.restart import RESTART
from provisioner.operations.steps.release import release_spec
from provisioner.operations.toolbox import StoreDefaults
from tests.charts.releases import Object, of_kind
from tests.conftest import ROOT
from tests.ledgers import SampleOrders, repository_catalog

PAGE = (ROOT / "docs/operating.md").read_text()
SECTION = PAGE.partition("## Settings and existing stores")[2].partition("\n### ")[0]
ROWS = dict(re.findall(r"^\| (`.*?) \| (\w+) \| .* \|$", SECTION, re.MULTILINE))
OLD, NEW = Addresses("old.example.com", "http", 8080), Addresses("new.example.com", "https")


class ExistingStore:
    """A store that was ordered with the settings of yesterday."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.orders = SampleOrders(ledger, addresses=OLD)
        self.made = self.orders.finished(self.orders.create(options={"currency": "usd"}), "0.1.0")

    @property
    def store(self) -> Store:
        return self.orders.store()

    def ordered_again(self, **settings: Any) -> SampleOrders:
        """The present orders, with an upgrade of the store."""
        orders = SampleOrders(self.ledger, **settings)
        orders.finished(orders.upgrade(self.made), "0.2.0")
        return orders

    def manifests(self, store: Store | None = None, **defaults: Any) -> list[Object]:
        """What an upgrade with these present settings applies."""
        store = store or self.store
        return Helm().render(release_spec(StoreDefaults(**defaults), store, repository_catalog().get(store.type)))


def address_stays(existing: ExistingStore) -> None:
    before = existing.store
    existing.ordered_again(addresses=NEW)
    assert (existing.store.url, existing.store.host) == (before.url, before.host) != (NEW.url("my-shop"), "")
    (ingress,) = of_kind(existing.manifests(), "Ingress")
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["my-shop.old.example.com"]


def type_stays(existing: ExistingStore) -> None:
    existing.ordered_again(type="woocommerce")
    assert existing.store.type == "medusa"


def _limits(manifests: list[Object]) -> str:
    (deployment,) = of_kind(manifests, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return str(container["resources"]["limits"]["memory"])


def profile_follows(existing: ExistingStore) -> None:
    assert [_limits(existing.manifests(profile=profile)) for profile in ("local", "prod")] == ["768Mi", "2Gi"]


def values_follow(existing: ExistingStore) -> None:
    overlay = {"medusa": {"resources": {"limits": {"memory": "1Gi"}}}}
    assert _limits(existing.manifests(overlay=overlay)) == "1Gi"


def options_stay(existing: ExistingStore) -> None:
    def currency(store_type: StoreType) -> Any:
        defaults = StoreDefaults(overlay={"medusa": {"store": {"currency": "gbp"}}})
        return release_spec(defaults, existing.store, store_type).values["store"]["currency"]

    medusa = repository_catalog().get("medusa")
    other = tuple(replace_default(option, "chf") for option in medusa.options)
    assert currency(medusa) == currency(replace(medusa, options=other)) == "usd"


def replace_default(option: Any, default: str) -> Any:
    return option.model_copy(update={"default": default}) if option.id == "currency" else option


def tls_follows_the_address(existing: ExistingStore) -> None:
    def has_tls(store: Store, enabled: bool) -> bool:
        overlay = {"medusa": {"ingress": {"tls": {"enabled": enabled}}}}
        (ingress,) = of_kind(existing.manifests(store, overlay=overlay), "Ingress")
        return "tls" in ingress["spec"]

    secure = replace(existing.store, url="https://my-shop.old.example.com")
    assert [has_tls(store, enabled) for store in (existing.store, secure) for enabled in (False, True)] == [
        *(False, False),
        *(False, True),
    ]


def deadline_follows(existing: ExistingStore) -> None:
    later = SampleOrders(existing.ledger, deadlines={RESTART.kind: 77})
    assert later.place(RESTART, existing.made).allowed == 77


def defaults_follow(existing: ExistingStore) -> None:
    """They are in StoreDefaults, which each job gets at its start, and in no row of the ledger."""
    columns = {column for table in existing.ledger.connection.db.tables for column in table.columns_dict}
    assert {"patience", "ingress_address"} <= StoreDefaults.__dataclass_fields__.keys()
    assert not {"patience", "ingress_address"} & columns


# What needs a cluster is checked by the named e2e test.
CHECKS: dict[str, tuple[str, Callable[[ExistingStore], None] | str]] = {
    "`stores.domain`, `stores.scheme`, `stores.port`": ("stays", address_stays),
    "`stores.defaultType`": ("stays", type_stays),
    "`stores.profile`": ("follows", profile_follows),
    "`stores.values`": ("follows", values_follow),
    "`stores.values.….store.currency`, `stores.values.….store.country`": ("stays", options_stay),
    "`stores.values.….storage.size`": (
        "grows",
        "test_claims.py::test_upgrade_keeps_the_claims_of_a_store_and_lets_grow_those_that_can",
    ),
    "`stores.values.….storage.className`, `stores.values.….storage.accessMode`": (
        "stays",
        "test_claims.py::test_upgrade_keeps_the_claims_of_a_store_and_lets_grow_those_that_can",
    ),
    "`stores.values.….ingress.tls.enabled`": ("follows", tls_follows_the_address),
    "`stores.values.….database.external`": (
        "stays",
        "test_medusa_upgrade.py::test_store_keeps_the_database_that_it_was_born_with",
    ),
    "`stores.quota`": ("rises", "test_claims.py::test_quota_that_an_operator_raised_is_used_by_the_retry_and_stays"),
    "`stores.limitRange`": (
        "stays",
        "test_claims.py::test_quota_that_an_operator_raised_is_used_by_the_retry_and_stays",
    ),
    "`stores.imagePullSecret`": (
        "follows",
        "test_pull_secret.py::test_pods_of_a_store_pull_with_a_copy_of_the_secret",
    ),
    "`deadlineSeconds`": ("follows", deadline_follows),
    "`patienceSeconds`, `stores.ingressAddress`": ("follows", defaults_follow),
}


def test_every_row_of_the_table_is_checked() -> None:
    assert {row: word for row, (word, _) in CHECKS.items()} == ROWS


@pytest.mark.parametrize("row", CHECKS)
def test_existing_store_does_what_the_row_says(row: str, ledger: Ledger) -> None:
    check = CHECKS[row][1]
    if callable(check):
        check(ExistingStore(ledger))
    else:
        file, _, name = check.partition("::")
        assert f"def {name}(" in Path(ROOT / "tests/e2e" / file).read_text()
