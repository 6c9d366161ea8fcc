"""Settings of a store on a real cluster: a change takes effect, disturbs no shopper, and is undone if it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dev.cluster import Cluster as DevCluster
from provisioner.diagnosis import Patience
from provisioner.domain.errors import Refused
from provisioner.domain.job import EventKind, JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.operations.namespace_metadata import stores_in_cluster
from tests.e2e.provisioner_harness import INSTANCE
from tests.e2e.sample_type import SampleType, load_image
from tests.e2e.shoppers import Visits
from tests.e2e.upgraded_store import UpgradedStore, shared_stores
from tests.waiting import until

OCEAN = "#1f5f8b"


@pytest.fixture(scope="module")
def stores(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], UpgradedStore]]:
    folder = tmp_path_factory.mktemp("harness")
    load_image(cluster, folder)
    leaflet = SampleType(folder / "charts")
    with shared_stores(cluster, folder, leaflet, UpgradedStore, Patience(wrong_answer=3)) as take:
        yield take


@pytest.fixture
def store(stores: Callable[[], UpgradedStore]) -> UpgradedStore:
    return stores()


def options_of(store: UpgradedStore) -> dict[str, str]:
    """The store's options in the ledger. An empty ledger learns the same from the cluster."""
    known = store.harness.store(store.name)
    found = stores_in_cluster(store.harness.tools.cluster, INSTANCE)
    [adopted] = [other for other in found if other.id == known.id]
    assert adopted.options == known.options
    return known.options


def test_change_takes_effect_and_no_request_of_a_shopper_fails(store: UpgradedStore) -> None:
    store.harness.overlay["leaflet"] = {"drainSeconds": 2}  # an ingress needs a moment to notice that a pod ends
    store.harness.reopen()
    store.harness.succeeded(store.harness.upgrade(store.made))

    def visit() -> None:
        assert f"version {store.version}<" in store.page()

    with Visits(visit, pause_seconds=0.05) as visits:
        changed = store.harness.change(store.made, color="Ocean", motto="we print")
        assert options_of(store)["color"] != OCEAN, "the ledger changes with the success only"
        store.harness.succeeded(changed)
        until("the page of the new pod", lambda: "we print" in store.page(), 60)
        visits_before = visits.answered
        until("more visits", lambda: visits.answered > visits_before + 5)
    assert (visits.failures, visits.answered > 20) == ([], True)
    assert f"color: {OCEAN}" in store.page()
    assert options_of(store) == {"color": OCEAN, "motto": "we print"}
    store.require_version(store.version)


def test_change_that_fails_restores_release_and_options(store: UpgradedStore) -> None:
    before = options_of(store)
    failed = store.harness.ended(store.harness.change(store.made, motto="no image"))
    assert failed.status == JobStatus.FAILED
    assert "leaflet:1-missing" in str(failed.problem)
    done = [e.stage for e in store.harness.ledger.jobs.events(failed.id) if e.kind == EventKind.DONE]
    assert done == ["inspect", "release", "rollback"]
    assert options_of(store) == before
    assert store.harness.store(store.name).status == StoreStatus.READY
    assert "no image" not in store.page()
    store.require_version(store.version)


def test_store_of_an_older_version_is_not_upgraded_by_a_change(store: UpgradedStore) -> None:
    former = store.version
    store.harness.close()
    store.harness.open_ledger()
    job = store.harness.change(store.made, motto="late")  # the next version comes after the order
    store.type.release(store.next_version)
    store.harness.ledger.close()
    store.harness.open()
    failed = store.harness.ended(job)
    assert f"{store.name} runs version {former} of its chart, and its settings come with" in str(failed.problem)
    assert store.version == former
    with pytest.raises(Refused, match="Upgrade it first"):
        store.harness.change(store.made, motto="early")
    store.harness.succeeded(store.harness.upgrade(store.made))
    store.harness.succeeded(store.harness.change(store.made, motto="late"))
    until("the page of the new pod", lambda: "late" in store.page(), 60)
