"""Upgrade, restart and delete of a Medusa store that people have lived in. One store, in this order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.cluster import Cluster
from provisioner.domain.job import EventKind, Job
from provisioner.domain.store import StoreStatus
from tests.e2e import lived_in
from tests.e2e.medusa import MedusaStore
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.waiting import until

NAME = "lived-in"


class LivedInStore:
    """The store, as its operator and its merchant see it."""

    def __init__(self, harness: ProvisionerHarness) -> None:
        self.harness = harness
        self.made = harness.succeeded(harness.create(NAME))
        self.shop = lived_in.as_release(harness.cluster, NAME)
        self.order = self.shop.place_order()["id"]

    def require_success(self, job: Job) -> str:
        """The job succeeds, and nothing of the merchant is lost; returns what its stages found."""
        self.harness.succeeded(job, 240)
        assert self.harness.store(NAME).status == StoreStatus.READY
        until("the shop answers", self.shop.answers)
        assert self.order in [order["id"] for order in self.shop.orders()]
        events = self.harness.ledger.jobs.events(job.id)
        return " ".join(event.detail for event in events if event.kind == EventKind.DONE and event.detail)

    def upgrade(self, cpu: str) -> str:
        """Upgrade to other resources, so that Kubernetes replaces the pod; returns what the stages found."""
        requests = {"requests": {"cpu": cpu, "memory": "384Mi"}, "limits": {"memory": "768Mi"}}
        self.harness.overlay["medusa"]["resources"] = requests
        return self.require_success(self.harness.upgrade(self.made))


@pytest.fixture(scope="module")
def store(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivedInStore]:
    harness = ProvisionerHarness(cluster, tmp_path_factory.mktemp("lived-in"))
    try:
        yield LivedInStore(harness)
    finally:
        harness.close()
        harness.remove_all()


def test_upgrade_succeeds_when_everything_is_sold_out(store: LivedInStore) -> None:
    lived_in.sell_out(store.shop)
    assert "/line-items answered 400" in store.upgrade("21m")


def test_upgrade_succeeds_after_all_that_people_did_and_names_hand_edits(store: LivedInStore) -> None:
    lived_in.sell_own_products_only(store.shop)
    lived_in.rotate_key(store.shop)
    store.shop = lived_in.change_owner(store.shop)
    named = lived_in.edit_by_hand(store.shop)
    results = store.upgrade("22m")
    assert [change for change in named if change not in results] == []
    assert "The check stops where it stopped before: GET /store/regions" in results
    require_as_people_left_it(store.shop)


def require_as_people_left_it(shop: MedusaStore) -> None:
    """The own product is the only one, the first account stays deleted, and what is not the chart's stays."""
    assert [product["title"] for product in shop.admin_api("/products")["products"]] == [lived_in.OWN_PRODUCT]
    assert [user["email"] for user in shop.admin_api("/users")["users"]] == ["eve@example.com"]
    assert shop.get_object("service", NAME)["metadata"]["annotations"]["team"] == "blue"
    (container,) = shop.get_object("deployment", NAME)["spec"]["template"]["spec"]["containers"]
    assert {"name": "TEAM", "value": "blue"} in container["env"]


def test_restart_succeeds_and_keeps_what_operators_scaled(store: LivedInStore) -> None:
    store.shop.kubectl("scale", f"deployment/{NAME}", "--replicas=2")
    results = store.require_success(store.harness.restart(store.made))
    assert "The check stops where it stopped before: GET /store/regions" in results
    assert store.shop.get_object("deployment", NAME)["spec"]["replicas"] == 2
    require_as_people_left_it(store.shop)


def test_delete_leaves_nothing(store: LivedInStore) -> None:
    store.harness.succeeded(store.harness.delete(store.made), 240)
    assert f"namespace/store-{NAME}" not in store.harness.namespaces()
    assert store.harness.volumes(f"store-{NAME}") == []
