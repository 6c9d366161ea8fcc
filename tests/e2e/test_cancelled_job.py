"""Jobs are cancelled in any of their stages: the store is as it was before, and nothing of the job is left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import kubectl
from provisioner.cancellations import cancel
from provisioner.clients.kubernetes.objects import end_reason
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.log_context import new_id
from provisioner.operations.namespace_metadata import ASLEEP, BACKUP_BEFORE, CHECK_BEFORE, UPGRADE_FROM, annotation
from provisioner.operations.steps import removal
from provisioner.orders import OrderContext
from tests.e2e.backed_up_store import BackedUpStore, backed_up_store, reused_store
from tests.e2e.backup_server import BackupServer
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.ledgers import PERSON
from tests.waiting import until

NOTES = (ASLEEP, BACKUP_BEFORE, CHECK_BEFORE, UPGRADE_FROM)
COPY = "cancelled-copy"
Order = Callable[[BackedUpStore], Job]


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "cancelled")


@pytest.fixture(scope="module")
def first(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    with backed_up_store(server, tmp_path_factory.mktemp("cancelled")) as made:
        made.harness.succeeded(made.harness.backup(made.made))
        yield made


@pytest.fixture(scope="module")
def stores(first: BackedUpStore) -> Callable[[], BackedUpStore]:
    return reused_store(first)


@pytest.fixture
def store(stores: Callable[[], BackedUpStore]) -> BackedUpStore:
    return stores()


def cancel_now(harness: ProvisionerHarness, job: Job) -> None:
    orders = harness.orders
    cancel(orders, OrderContext(orders.actor(PERSON), "{}", new_id()), job.store_id, job.id)


def cancelled_at(stage: str, order: Callable[[], Job], harness: ProvisionerHarness, patch: pytest.MonkeyPatch) -> Job:
    """The job at its end. A person cancels it at the very moment at which the stage starts."""
    record = harness.journal.record

    def record_and_cancel(job: Job, kind: EventKind, name: str = "", detail: str = "") -> None:
        record(job, kind, name, detail)
        if (kind, name) == (EventKind.STARTED, stage):
            cancel_now(harness, job)

    with patch.context() as patched:
        patched.setattr(harness.journal, "record", record_and_cancel)
        return harness.ended(order())


def left_in(store: BackedUpStore) -> list[str]:
    """The Jobs that run, and the notes of jobs."""
    cluster = store.harness.tools.cluster
    namespace = cluster.namespace(store.namespace)
    assert namespace is not None
    running = [job["metadata"]["name"] for job in cluster.jobs(store.namespace, {}) if not end_reason(job)]
    return running + [note for note in NOTES if annotation(namespace, note)]


ORDERS: dict[str, Order] = {
    "upgrade": lambda store: store.harness.upgrade(store.made),
    "pause": lambda store: store.harness.pause(store.made),
    "backup": lambda store: store.harness.backup(store.made),
    "prove": lambda store: store.harness.prove(store.made),
    "restore": lambda store: store.harness.restore(store.made, store.harness.backups(store.made)[0]),
    "restart": lambda store: store.harness.restart(store.made),
    "clone": lambda store: store.harness.clone(store.made, COPY),
}


@pytest.mark.parametrize(
    ("operation", "stage"),
    [
        ("backup", "backup"),
        ("prove", "release"),
        ("clone", "backup"),
        ("restart", "application"),
        ("restore", "stop"),
        ("restore", "restore"),
        ("pause", "inspect"),
        ("pause", "close"),
        ("pause", "database"),
        ("upgrade", "backup"),
        ("upgrade", "release"),
    ],
)
def test_cancelled_job_leaves_the_store_as_it_was(
    store: BackedUpStore, monkeypatch: pytest.MonkeyPatch, operation: str, stage: str
) -> None:
    picture, version, harness = store.upload(), store.version, store.harness
    if operation == "upgrade":
        store.type.release(store.next_version, migration="/busybox sleep 20")
        harness.reopen()
    ended = cancelled_at(stage, lambda: ORDERS[operation](store), harness, monkeypatch)
    assert (ended.status, ended.problem) == (JobStatus.CANCELLED, None)
    store.kubectl("rollout", "status", f"deployment/{store.name}", "--timeout=60s")  # of a restart that goes on
    assert (left_in(store), store.checksum(), store.version) == ([], picture, version)
    until("the shop answers", store.intact, 60)
    others = {f"namespace/store-copy-{store.made.store_id}", f"namespace/store-{COPY}"}
    assert others.isdisjoint(harness.namespaces())


def test_cancelled_wake_leaves_the_store_asleep(store: BackedUpStore, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = store.harness
    harness.succeeded(harness.pause(store.made))
    ended = cancelled_at("start", lambda: harness.wake(store.made), harness, monkeypatch)
    assert (ended.status, harness.store(store.name).status) == (JobStatus.CANCELLED, StoreStatus.ASLEEP)
    assert left_in(store) == [ASLEEP]
    pods = harness.tools.cluster.pods(store.namespace)
    running = [
        pod for pod in pods if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
    ]
    assert running == []
    harness.succeeded(harness.retry(ended))


def test_cancelled_undelete_leaves_the_store_deleted_and_kept(
    store: BackedUpStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness, picture = store.harness, store.upload()
    harness.succeeded(harness.delete(store.made))
    kept = harness.ledger.stores.kept(store.name)
    ended = cancelled_at("restore", lambda: harness.undelete(store.made), harness, monkeypatch)
    assert ended.status == JobStatus.CANCELLED
    assert f"namespace/{store.namespace}" not in harness.namespaces()
    still = harness.ledger.stores.kept(store.name)
    assert kept is not None
    assert still is not None
    assert still.kept_until == kept.kept_until
    harness.succeeded(harness.undelete(store.made))
    assert store.checksum() == picture


def test_cancelled_creation_that_can_not_be_removed_is_deleted_once_its_cause_is_gone(
    first: BackedUpStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = first.harness
    monkeypatch.setattr(removal, "REMOVAL_SECONDS", 10.0)
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/held"]}}
    inside = (harness.cluster, "-n", "store-held-cancelled")
    job = harness.create("held-cancelled")
    harness.wait_for_stage(job, "release")
    kubectl(*inside, "apply", "-f", "-", stdin=json.dumps(held))
    cancel_now(harness, job)
    failed = harness.ended(job)
    assert failed.status == JobStatus.FAILED
    assert "example.com/held" in str(failed.problem)
    assert "delete what is left: /store delete held-cancelled" in str(failed.problem)
    kubectl(*inside, "patch", "configmap", "held", "-p", '{"metadata": {"finalizers": null}}', "--type=merge")
    harness.succeeded(harness.delete(job))
    assert "namespace/store-held-cancelled" not in harness.namespaces()


def test_cancelled_creation_leaves_nothing(first: BackedUpStore, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = first.harness
    ended = cancelled_at("application", lambda: harness.create("never-opened"), harness, monkeypatch)
    assert ended.status == JobStatus.CANCELLED
    assert "namespace/store-never-opened" not in harness.namespaces()
    assert harness.volumes("store-never-opened") == []
    assert harness.ledger.stores.named("never-opened") is None
