"""Jobs as Kubernetes Jobs: no event is lost or recorded twice, whichever process dies."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import kubectl, read_secret
from provisioner.cancellations import cancel
from provisioner.domain.job import ROLLBACK_STAGE, EventKind, Job, JobStatus
from provisioner.domain.store import SECRET_NAME, StoreStatus
from provisioner.orders import OrderContext
from provisioner.runner.executors.job_manifest import Worker
from tests.e2e.kubernetes_harness import BOT_NAMESPACE, KubernetesHarness, chart_files
from tests.e2e.pod_history import PodHistory
from tests.e2e.sample_type import SampleType, load_image
from tests.ledgers import PERSON
from tests.waiting import until

STAGES = ["namespace", "secrets", "release", "application", "storefront", "check"]
OPENING_SECONDS = 4  # that a leaflet takes to open


@pytest.fixture(scope="module")
def module_harness(cluster: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesHarness]:
    """A harness with leaflet, which takes some seconds to open."""
    folder = tmp_path_factory.mktemp("harness")
    load_image(cluster, folder)
    leaflet = SampleType(folder / "charts")
    leaflet.open_slowly(OPENING_SECONDS)
    opened = KubernetesHarness(cluster, folder, leaflet)
    yield opened
    opened.close()
    opened.remove_all()


@pytest.fixture(scope="module")
def kept_stores() -> list[Job]:
    """The creations of the stores that the tests share, for `kept`."""
    return []


@pytest.fixture
def kept(harness: KubernetesHarness, kept_stores: list[Job]) -> Job:
    """The creation of a Ready store of version 0.1.0. It is the former test's store unless that test broke it."""
    if not kept_stores or harness.store(kept_stores[-1].store).status != StoreStatus.READY:
        made = harness.succeeded(harness.create(f"kept-shop-{len(kept_stores)}"))
        kept_stores.append(made)
    return kept_stores[-1]


@pytest.fixture
def harness(module_harness: KubernetesHarness, kept_stores: list[Job]) -> Iterator[KubernetesHarness]:
    """The module's harness. Afterwards its charts and worker are set back, and all but the kept stores are deleted."""
    worker, files = module_harness.worker, chart_files(module_harness.charts)
    yield module_harness
    module_harness.remove_stores(*(made.store for made in kept_stores))
    if (module_harness.worker, chart_files(module_harness.charts)) != (worker, files):
        module_harness.close()
        for path, text in files.items():
            (module_harness.charts / path).write_text(text)
        module_harness.worker = worker
        module_harness.upload_charts()
        module_harness.open()


def stages(harness: KubernetesHarness, job: Job, kind: EventKind) -> list[str]:
    return [event.stage for event in harness.ledger.jobs.events(job.id) if event.kind == kind]


def pods_of(harness: KubernetesHarness, job: Job) -> list[Any]:
    return harness.tools.cluster.pods(BOT_NAMESPACE, {"storewright.dev/job": job.id})


def test_create_and_delete_run_as_kubernetes_jobs(harness: KubernetesHarness, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    job = harness.succeeded(harness.create("remote-shop"))
    assert stages(harness, job, EventKind.DONE) == STAGES
    store = harness.store("remote-shop")
    assert store.status == StoreStatus.READY
    assert store.version == "0.1.0"

    harness.succeeded(harness.delete(job))
    assert f"namespace/{store.namespace}" not in harness.namespaces()
    until("the Job is deleted, since the ledger has its events", lambda: not harness.jobs(), 60)
    assert "job superseded" not in caplog.text


def test_kubernetes_job_finishes_without_a_bot(harness: KubernetesHarness) -> None:
    job = harness.create("attended-shop")
    harness.wait_for_stage(job, "application")
    harness.close()
    until("it needs no bot", lambda: [one["status"].get("succeeded") for one in harness.jobs()] == [1], 60)
    time.sleep(OPENING_SECONDS)
    reopened = time.time()
    harness.open()
    done = harness.ended(job)
    assert (done.status, done.attempts) == (JobStatus.SUCCEEDED, 2)
    assert stages(harness, job, EventKind.STARTED) == STAGES
    assert stages(harness, job, EventKind.DONE) == STAGES
    opened = next(e for e in harness.ledger.jobs.events(job.id) if (e.stage, e.kind) == ("application", EventKind.DONE))
    assert opened.seconds is not None
    assert opened.seconds > OPENING_SECONDS - 1
    assert opened.at < reopened, "the time is the worker's, not that of the bot that read it"


def test_restarted_bot_follows_the_same_kubernetes_job(harness: KubernetesHarness) -> None:
    job = harness.create("watched-shop")
    harness.wait_for_stage(job, "application")
    (before,) = harness.jobs()
    harness.reopen()
    assert harness.ended(job).status == JobStatus.SUCCEEDED
    assert stages(harness, job, EventKind.DONE) == STAGES
    assert harness.job(job).attempts == 2
    assert [one["metadata"]["uid"] for one in harness.jobs()] in ([], [before["metadata"]["uid"]])


def test_cancelled_creation_is_taken_back_by_a_kubernetes_job(harness: KubernetesHarness) -> None:
    job = harness.create("cancelled-shop")
    harness.wait_for_stage(job, "application")
    orders = harness.orders
    cancel(orders, OrderContext(orders.actor(PERSON), "{}", "cancel"), job.store_id)
    harness.wait_for_stage(job, ROLLBACK_STAGE)
    [undo] = [one["metadata"]["name"] for one in harness.jobs()]
    assert undo.endswith("-undo"), "the other one has ended before"
    assert harness.ended(job).status == JobStatus.CANCELLED
    assert "namespace/store-cancelled-shop" not in harness.namespaces()
    until("no Job is left", lambda: not harness.jobs(), 60)


def test_delete_starts_after_the_pod_of_the_create_is_gone(harness: KubernetesHarness) -> None:
    job = harness.create("unwanted-shop")
    harness.wait_for_stage(job, "application")
    removal = harness.delete(job)
    harness.wait_for_stage(removal, "namespace")
    assert pods_of(harness, job) == []
    assert harness.ended(removal).status == JobStatus.SUCCEEDED
    assert harness.job(job).status == JobStatus.SUPERSEDED
    assert "namespace/store-unwanted-shop" not in harness.namespaces()


def test_delete_ends_the_kubernetes_job_that_a_killed_bot_left(harness: KubernetesHarness) -> None:
    job = harness.create("orphaned-shop")
    harness.wait_for_stage(job, "application")
    harness.close()
    harness.open_ledger()
    removal = harness.delete(job)  # the bot dies after it was ordered, before it could end the Job
    harness.ledger.close()
    harness.open()
    assert harness.ended(removal).status == JobStatus.SUCCEEDED
    assert "namespace/store-orphaned-shop" not in harness.namespaces()


def test_lost_pod_is_replaced_by_a_second_attempt(harness: KubernetesHarness) -> None:
    job = harness.create("evicted-shop")
    harness.wait_for_stage(job, "application")
    kubectl(
        harness.cluster, "delete", "pod", "-n", BOT_NAMESPACE, "-l", f"storewright.dev/job={job.id}", "--wait=false"
    )
    done = harness.ended(job)
    assert (done.status, done.attempts) == (JobStatus.SUCCEEDED, 2)
    [retrying] = [e.detail for e in harness.ledger.jobs.events(job.id) if e.kind == EventKind.RETRYING]
    assert "The pod that worked on evicted-shop was lost." in retrying
    assert stages(harness, job, EventKind.DONE) == STAGES


def test_failure_in_a_kubernetes_job_has_its_cause_and_can_be_retried(harness: KubernetesHarness) -> None:
    harness.release("0.1.0", image="storewright/none:none")
    job = harness.ended(harness.create("broken-shop"))
    assert job.status == JobStatus.FAILED
    assert job.problem is not None
    assert "storewright/none:none can't be pulled" in job.problem.what
    until("the failed Job stays", lambda: [one["status"].get("failed") for one in harness.jobs()] == [1], 60)

    harness.release("0.1.0")
    again = harness.retry(job)
    harness.succeeded(again)


def test_failed_upgrade_is_rolled_back_by_its_kubernetes_job(harness: KubernetesHarness, kept: Job) -> None:
    harness.release("0.2.0", image="storewright/leaflet:none")
    job = harness.ended(harness.upgrade(kept))
    assert job.status == JobStatus.FAILED
    assert "can't be pulled" in str(job.problem)
    assert stages(harness, job, EventKind.DONE)[-1] == "rollback"
    store = harness.store(kept.store)
    assert (store.status, store.version) == (StoreStatus.READY, "0.1.0")


def test_worker_that_can_not_start_fails_the_job_soon(harness: KubernetesHarness) -> None:
    worker, harness.worker = harness.worker, Worker("storewright/nobody:none")
    harness.reopen()
    began = time.monotonic()
    job = harness.ended(harness.create("workless-shop"), 30)
    assert job.status == JobStatus.FAILED
    assert "The worker of workless-shop's job can't start: its image storewright/nobody:none can't be" in str(
        job.problem
    )
    assert time.monotonic() - began < 20
    assert "Check the image's name and tag" in str(job.problem)
    harness.worker = worker
    harness.reopen()
    harness.succeeded(harness.retry(job))


def test_worker_that_breaks_at_its_start_succeeds_with_the_right_pod(harness: KubernetesHarness) -> None:
    worker = harness.worker
    no_charts = {**worker.container, "env": [{"name": "CHARTS_DIR", "value": "/nowhere"}]}
    harness.worker = replace(worker, container=no_charts)
    harness.reopen()
    job = harness.ended(harness.create("chartless-shop"))
    assert "Check EXECUTOR_IMAGE and EXECUTOR_POD, then retry." in str(job.problem)
    harness.worker = worker
    harness.reopen()
    harness.succeeded(harness.retry(job))


def test_creation_with_oversized_values_succeeds_once_they_are_short(harness: KubernetesHarness) -> None:
    harness.overlay["leaflet"] = {"long": "x" * 100_000}
    job = harness.ended(harness.create("wordy-shop"))
    assert "Shorten STORE_VALUES, or set EXECUTOR=local." in str(job.problem)
    del harness.overlay["leaflet"]
    harness.succeeded(harness.retry(job))


def test_missing_permission_is_granted_and_the_retry_succeeds(harness: KubernetesHarness) -> None:
    role = ("clusterrole", harness.defaults()["store_role"])
    granted = json.loads(kubectl(harness.cluster, "get", *role, "-o", "json"))
    rules = [rule for rule in granted["rules"] if "ingresses" not in rule["resources"]]
    kubectl(harness.cluster, "patch", *role, "-p", json.dumps({"rules": rules}))
    job = harness.ended(harness.create("barred-shop"))
    assert "ingresses.networking.k8s.io" in str(job.problem)
    assert "this permission, then retry." in str(job.problem)
    kubectl(harness.cluster, "patch", *role, "-p", json.dumps({"rules": granted["rules"]}))
    harness.succeeded(harness.retry(job))


def test_worker_that_can_not_start_leaves_the_store_ready(harness: KubernetesHarness, kept: Job) -> None:
    harness.worker = Worker("storewright/nobody:none")
    harness.reopen()
    job = harness.ended(harness.upgrade(kept), 30)
    assert job.status == JobStatus.FAILED
    assert "can't start" in str(job.problem)
    store = harness.store(kept.store)
    assert store.status == StoreStatus.READY


def test_kubernetes_job_and_its_log_contain_no_secret(harness: KubernetesHarness) -> None:
    job = harness.create("secret-shop")
    harness.wait_for_stage(job, "application")
    (manifest,) = harness.jobs()
    (pod,) = pods_of(harness, job)
    log = kubectl(harness.cluster, "logs", "-n", BOT_NAMESPACE, f"job/{manifest['metadata']['name']}")
    for value in read_secret(harness.cluster, "store-secret-shop", SECRET_NAME).values():
        assert value not in json.dumps([manifest, pod]) + log
    assert "SLACK" not in json.dumps(pod)
    harness.ended(job)


def test_restart_runs_as_a_kubernetes_job_and_replaces_pods_once(harness: KubernetesHarness, kept: Job) -> None:
    with PodHistory(harness.cluster.kubeconfig, harness.store(kept.store).namespace) as history:
        job = harness.restart(kept)
        harness.wait_for_stage(job, "application")
        harness.reopen()
        ended = harness.ended(job)
    assert ended.status == JobStatus.SUCCEEDED, ended.problem
    assert stages(harness, job, EventKind.DONE) == ["inspect", "application", "storefront", "check"]
    assert len(history.uids("application")) == 2
    assert harness.store(kept.store).status == StoreStatus.READY


def test_full_cluster_is_waited_for_until_the_deadline(harness: KubernetesHarness, kept: Job) -> None:
    harness.worker = replace(harness.worker, pod={**harness.worker.pod, "nodeSelector": {"no": "such"}})
    harness.reopen()
    began = time.monotonic()
    job = harness.ended(harness.delete(kept, seconds=15), 90)
    assert job.status == JobStatus.FAILED
    assert "did not end within" in str(job.problem)
    assert "finds no node to run on" in str(job.problem)
    assert 15 < time.monotonic() - began < 45
