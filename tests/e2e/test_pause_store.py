"""A store is put to sleep and woken: nothing of it runs, nothing of it is lost, and trouble leaves it as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dev.cluster import Cluster as DevCluster
from provisioner.clients.kubernetes.objects import is_terminating
from provisioner.diagnosis import Patience
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.operations.namespace_metadata import ASLEEP, stores_in_cluster
from tests.e2e.backed_up_store import BackedUpStore, backed_up_store, reused_store
from tests.e2e.backup_server import BackupServer
from tests.e2e.sample_type import BREAK
from tests.waiting import until

WAKER = "192.0.2.1:8090"  # of the addresses for documentation (RFC 5737): nothing answers there
CRON = """
apiVersion: batch/v1
kind: CronJob
metadata: { name: tidy }
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: RuntimeDefault } }
          containers:
            - name: tidy
              image: storewright/leaflet:1
              command: [/busybox, "true"]
              resources: { limits: { memory: 16Mi } }
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
"""


@pytest.fixture(scope="module")
def server(cluster: DevCluster) -> BackupServer:
    return BackupServer(cluster, "paused")


@pytest.fixture(scope="module")
def first(server: BackupServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUpStore]:
    with backed_up_store(server, tmp_path_factory.mktemp("paused")) as made:
        yield made


@pytest.fixture(scope="module")
def stores(first: BackedUpStore) -> Callable[[], BackedUpStore]:
    return reused_store(first)


@pytest.fixture
def store(stores: Callable[[], BackedUpStore]) -> BackedUpStore:
    return stores()


@pytest.fixture
def fresh(first: BackedUpStore) -> BackedUpStore:
    """A store that no other test has used."""
    return BackedUpStore(first.harness, first.type)


def objects(store: BackedUpStore, kind: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(store.kubectl("get", kind, "-o", "json"))["items"]
    return items


def running(store: BackedUpStore) -> list[str]:
    """The components whose pods run."""
    pods = [pod for pod in objects(store, "pods") if pod["status"]["phase"] not in ("Succeeded", "Failed")]
    pods = [pod for pod in pods if not is_terminating(pod)]
    return sorted(pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in pods)


def status(store: BackedUpStore) -> StoreStatus:
    return store.harness.store(store.name).status


def paused(store: BackedUpStore) -> Job:
    return store.harness.succeeded(store.harness.pause(store.made))


def woken(store: BackedUpStore) -> None:
    store.harness.succeeded(store.harness.wake(store.made))
    assert store.intact()


def failed(store: BackedUpStore, job: Job, *words: str) -> Job:
    ended = store.harness.ended(job)
    assert ended.status == JobStatus.FAILED
    assert [word for word in words if word not in str(ended.problem)] == []
    return ended


def test_paused_store_runs_nothing_and_wakes_as_it_was(store: BackedUpStore) -> None:
    picture = store.upload()
    paused(store)
    assert (running(store), status(store)) == ([], StoreStatus.ASLEEP)
    [backup] = store.harness.backups(store.made)
    assert (backup.reason, backup.served, backup.contents) == ("before a pause", True, ["16 pages"])
    found = stores_in_cluster(store.harness.tools.cluster, store.harness.tools.defaults.instance)
    learned = {one.name: one.status for one in found}
    assert learned[store.name] == StoreStatus.ASLEEP, "an empty ledger learns it from the cluster"
    woken(store)
    assert store.checksum() == picture
    assert ASLEEP not in store.kubectl("get", "namespace", store.namespace, "-o", "yaml")


@pytest.mark.parametrize("replicas", [2, 1])
def test_wake_brings_back_the_replicas_that_somebody_set(store: BackedUpStore, replicas: int) -> None:
    store.kubectl("scale", "deployment", store.name, f"--replicas={replicas}")
    store.kubectl("rollout", "status", "deployment", store.name, "--timeout=60s")
    paused(store)
    store.harness.succeeded(store.harness.wake(store.made))
    assert running(store) == [*["application"] * replicas, "database"]


def test_cron_jobs_rest_while_the_store_sleeps(store: BackedUpStore) -> None:
    store.kubectl("create", "-f", "-", stdin=CRON)

    def suspended() -> set[str]:
        return {job["metadata"]["name"] for job in objects(store, "cronjobs") if job["spec"]["suspend"]}

    before = suspended()
    assert before, "those of the chart, which only jobs start"
    paused(store)
    assert suspended() == {*before, "tidy"}
    store.harness.succeeded(store.harness.wake(store.made))
    assert suspended() == before
    store.kubectl("delete", "cronjob/tidy")


def test_interrupted_pause_and_wake_go_on(store: BackedUpStore) -> None:
    picture, before = store.upload(), len(store.harness.backups(store.made))
    for order, stages in (
        (store.harness.pause, ("inspect", "close", "backup", "database")),
        (store.harness.wake, ("start", "storefront")),
    ):
        job = order(store.made)
        for stage in stages:
            store.harness.wait_for_stage(job, stage)
            store.harness.reopen()
        store.harness.succeeded(job)
    assert store.intact()
    assert (store.checksum(), len(store.harness.backups(store.made))) == (picture, before + 1)


def test_pause_whose_backup_fails_opens_the_shop_again(store: BackedUpStore, server: BackupServer) -> None:
    job = store.harness.pause(store.made)
    with server.away():
        failed(store, job, f"The backup of {store.name} failed", "the backup server does not answer")
        assert store.intact()
    store.harness.succeeded(store.harness.retry(job))
    assert (running(store), status(store)) == ([], StoreStatus.ASLEEP)


def test_wake_without_room_says_why_and_leaves_the_store_asleep(store: BackedUpStore) -> None:
    store.harness.patience = Patience(quota=2)
    store.harness.reopen()
    paused(store)
    backups = store.harness.backups(store.made)
    quota = objects(store, "resourcequotas")[0]["metadata"]["name"]
    full = {"spec": {"hard": {"pods": "1"}}}
    former = json.dumps({"spec": {"hard": {"pods": objects(store, "resourcequotas")[0]["spec"]["hard"]["pods"]}}})
    store.kubectl("patch", "resourcequota", quota, "-p", json.dumps(full))
    job = store.harness.wake(store.made)
    failed(store, job, "quota")
    assert (running(store), status(store)) == ([], StoreStatus.ASLEEP)
    store.kubectl("patch", "resourcequota", quota, "-p", former)
    store.harness.succeeded(store.harness.retry(job))
    assert store.intact()
    assert store.harness.backups(store.made) == backups
    store.harness.patience = Patience()
    store.harness.reopen()


def test_store_that_did_not_answer_can_be_paused_and_woken(store: BackedUpStore) -> None:
    store.kubectl("exec", f"deployment/{store.name}", "--", *BREAK)
    store.harness.patience = Patience(wrong_answer=2, no_answer=2)
    store.harness.reopen()
    selector = {"spec": {"selector": {"app.kubernetes.io/component": "nothing"}}}
    store.kubectl("patch", "service", store.name, "-p", json.dumps(selector))
    until("the ingress leads nobody to it", lambda: f"version {store.version}<" not in store.page())
    paused(store)
    assert not store.harness.backups(store.made)[0].served
    store.harness.succeeded(store.harness.wake(store.made))
    assert (running(store), status(store)) == (["application", "database"], StoreStatus.READY)
    store.harness.patience = Patience()
    store.harness.reopen()


def test_sleeping_store_is_deleted_and_undeleted_from_the_backup_of_its_pause(
    fresh: BackedUpStore, server: BackupServer
) -> None:
    store = fresh
    picture = store.upload()
    paused(store)
    backups = store.harness.backups(store.made)
    deleted = store.harness.succeeded(store.harness.delete(store.made))
    assert store.harness.backups(store.made) == backups, "the database did not run, and nothing has changed"
    gone = store.harness.ledger.stores.get(store.made.store_id)
    assert gone is not None
    kept_seconds = (gone.kept_until or 0.0) - (deleted.started_at or 0.0)
    assert 0 <= kept_seconds - store.harness.undelete_days * 86_400 < 120
    server.remove_old_backups(f"remove-{store.name}", f"password.{store.made.store_id}")
    assert [one["id"] for one in server.snapshots(store.made.store_id)] == [one.id for one in backups]
    store.harness.succeeded(store.harness.undelete(store.made))
    assert store.intact()
    assert store.checksum() == picture


def test_deletion_while_the_store_wakes_makes_a_backup_of_its_own(store: BackedUpStore) -> None:
    paused(store)
    job = store.harness.wake(store.made)
    store.harness.wait_for_stage(job, "storefront")
    store.harness.succeeded(store.harness.delete(store.made))
    events = {event.kind for event in store.harness.ledger.jobs.events(job.id)}
    reasons = [backup.reason for backup in store.harness.backups(store.made)]
    assert EventKind.SUPERSEDED in events or store.harness.job(job).status == JobStatus.SUCCEEDED
    assert reasons[0] in ("before a deletion", "before a pause")
    store.harness.succeeded(store.harness.undelete(store.made))
    assert store.intact()


def test_sleeping_store_is_cloned_and_proven_without_waking_it(store: BackedUpStore) -> None:
    picture = store.upload()
    paused(store)
    copy = f"{store.name}-copy"
    store.harness.succeeded(store.harness.clone(store.made, copy))
    assert store.picture_in(copy) == picture
    store.harness.succeeded(store.harness.prove(store.made))
    assert (running(store), status(store)) == ([], StoreStatus.ASLEEP)
    assert store.harness.backups(store.made)[0].proven_at
    store.harness.succeeded(store.harness.wake(store.made))


def test_visits_are_led_to_the_waker_until_the_shop_is_open(store: BackedUpStore) -> None:
    store.harness.waker_address = WAKER
    store.harness.reopen()
    job = paused(store)
    assert f"While it sleeps, a visit of {store.harness.store(store.name).url} wakes it." in store.results(job)
    [ours] = [one for one in objects(store, "endpointslices") if one["metadata"]["name"].endswith("-asleep")]
    assert [(ours["endpoints"][0]["addresses"], ours["ports"][0]["port"])] == [(["192.0.2.1"], 8090)]
    store.harness.succeeded(store.harness.wake(store.made))
    assert [one for one in objects(store, "endpointslices") if one["metadata"]["name"].endswith("-asleep")] == []
    until("the ingress leads nobody to the waker any more", store.intact)
    store.harness.waker_address = None
    store.harness.reopen()
