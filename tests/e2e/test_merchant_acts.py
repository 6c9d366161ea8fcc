"""What a merchant does in the shop never decides an operator's upgrade or restart."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dev.cluster import Cluster as DevCluster
from provisioner.diagnosis import Patience
from provisioner.domain.job import Job, JobStatus
from provisioner.domain.store import StoreStatus
from tests.e2e.sample_type import SampleType, load_image
from tests.e2e.upgraded_store import UpgradedStore, shared_stores
from tests.waiting import until

SEATS, NO_SEATS = '"seats": 4', '"seats": 0'
SOLD_OUT = {"hours.json": '{"open": ["9-17"], "seats": 0}'}
EMPTY = {"hours.json": "{}"}
CLOSED = {"closed": "for a day"}  # the home page is not found
acts = pytest.mark.parametrize("act", [SOLD_OUT, EMPTY, CLOSED], ids=["sold-out", "empty", "closed"])


class MerchantsStore(UpgradedStore):
    """A store whose merchant may act."""

    def act(self, files: dict[str, str]) -> None:
        """Put these files into the shop, now and in every later pod."""
        literals = [f"--from-literal={name}={content}" for name, content in files.items()]
        self.kubectl("create", "configmap", f"{self.name}-admin", *literals)
        for name, content in files.items():
            script = f"echo '{content}' >/www/{name}; [ ! -e /www/closed ] || /busybox rm /www/index.html"
            self.kubectl("exec", f"deployment/{self.name}", "--", "/busybox", "sh", "-c", script)

    def undo(self) -> None:
        """Take back what the merchant did, in the running pod too."""
        if self.kubectl("delete", "configmap", f"{self.name}-admin", "--ignore-not-found"):
            self.kubectl("delete", "pods", "--all")
            until("the shop is as it was", self.intact)

    def upgrade_without_seats(self) -> Job:
        """Order the upgrade to a version whose check fails after the home page."""
        self.type.release(self.next_version)
        self.type.change(SEATS, NO_SEATS)
        self.harness.reopen()
        return self.harness.upgrade(self.made)

    def mark(self) -> str:
        """What the namespace keeps of the check before a job; '' without such a job."""
        namespace = self.harness.tools.cluster.namespace(self.namespace)
        assert namespace is not None
        return str(namespace["metadata"]["annotations"].get("storewright.dev/check-before", ""))


@pytest.fixture(scope="module", autouse=True)
def image(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    load_image(cluster, tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def stores(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], MerchantsStore]]:
    folder = tmp_path_factory.mktemp("harness")
    leaflet = SampleType(folder / "charts")
    with shared_stores(cluster, folder, leaflet, MerchantsStore, Patience(wrong_answer=3)) as take:
        yield take


@pytest.fixture
def store(stores: Callable[[], MerchantsStore]) -> Iterator[MerchantsStore]:
    taken = stores()
    yield taken
    taken.undo()


@acts
def test_upgrade_and_restart_succeed_whatever_the_merchant_did(store: MerchantsStore, act: dict[str, str]) -> None:
    store.act(act)
    upgrade = store.upgrade()
    store.harness.succeeded(upgrade)
    restart = store.harness.restart(store.made)
    store.harness.succeeded(restart)
    for job in (upgrade, restart):
        assert "The check stops where it stopped before: " in store.results(job)
    assert (store.harness.store(store.name).status, store.mark()) == (StoreStatus.READY, "")
    assert store.version == store.type.version


def test_upgrade_that_breaks_what_held_before_is_rolled_back(store: MerchantsStore) -> None:
    former = store.version
    failed = store.upgrade_without_seats()
    assert store.harness.ended(failed).status == JobStatus.FAILED
    assert store.mark() == ""
    store.require_version(former)


def test_attempt_after_a_kill_compares_with_what_held_before_the_first(store: MerchantsStore) -> None:
    """The first attempt left a shop without seats: the next one must not take that for the merchant's doing."""
    former = store.version
    job = store.upgrade_without_seats()
    store.harness.wait_for_stage(job, "check")
    store.harness.reopen()
    ended = store.harness.ended(job)
    assert ended.status == JobStatus.FAILED
    assert "its shop does not answer correctly" in str(ended.problem)
    assert store.harness.job(job).attempts > 1
    store.require_version(former)


def test_retry_of_a_failed_restart_compares_with_what_held_before_the_first(store: MerchantsStore) -> None:
    """After a restart, the pods show what somebody put into the ConfigMap: no seats."""
    store.kubectl("create", "configmap", f"{store.name}-admin", f"--from-literal=hours.json={EMPTY['hours.json']}")
    failed = store.harness.ended(store.harness.restart(store.made))
    assert failed.status == JobStatus.FAILED
    again = store.harness.ended(store.harness.retry(failed))
    assert again.status == JobStatus.FAILED
    store.kubectl("delete", "configmap", f"{store.name}-admin")
    store.harness.succeeded(store.harness.retry(again))
    assert "The check stops" not in store.results(again)


def test_create_needs_the_whole_check(store: MerchantsStore) -> None:
    store.type.release(store.next_version)
    store.type.change(SEATS, NO_SEATS)
    store.harness.reopen()
    job = store.harness.ended(store.harness.create(f"{store.name}-2"))
    assert job.status == JobStatus.FAILED
    assert "its shop does not answer correctly" in str(job.problem)
