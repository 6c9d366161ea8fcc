"""Jobs as Kubernetes Jobs: no event is lost or recorded twice, whichever process dies."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dev.cluster import Cluster as DevCluster
from dev.stack import kubectl, read_secret
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.domain.store import SECRET_NAME, StoreStatus
from provisioner.runner.executors.job_manifest import Worker
from tests.e2e.remote import HOME, RemoteWorks
from tests.e2e.sample_type import Leaflet, load_image
from tests.waiting import until

STAGES = ["namespace", "secrets", "release", "application", "storefront", "check"]
OPENING_SECONDS = 4  # that a leaflet takes to open


@pytest.fixture
def leaflet(cluster: DevCluster, tmp_path: Path) -> Leaflet:
    """A leaflet that takes its time to open, so that a test can act meanwhile."""
    load_image(cluster, tmp_path)
    made = Leaflet(tmp_path / "charts")
    page = made.chart / "templates/leaflet.yaml"
    page.write_text(
        page.read_text().replace("exec /busybox httpd", f"/busybox sleep {OPENING_SECONDS}; exec /busybox httpd")
    )
    return made


@pytest.fixture
def works(cluster: DevCluster, tmp_path: Path, leaflet: Leaflet) -> Iterator[RemoteWorks]:
    opened = RemoteWorks(cluster, tmp_path, leaflet)
    yield opened
    opened.close()
    opened.remove_all()


def stages(works: RemoteWorks, job: Job, kind: EventKind) -> list[str]:
    return [event.stage for event in works.ledger.jobs.events(job.id) if event.kind == kind]


def pods_of(works: RemoteWorks, job: Job) -> list[Any]:
    of = ("-n", HOME, "-l", f"storewright.dev/job={job.id}")
    return list(json.loads(kubectl(works.cluster, "get", "pods", *of, "-o", "json"))["items"])


def test_create_and_delete_run_as_kubernetes_jobs(works: RemoteWorks, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    job = works.ended(works.create("remote-shop"))
    assert job.status == JobStatus.SUCCEEDED, job.problem
    assert stages(works, job, EventKind.DONE) == STAGES
    store = works.store("remote-shop")
    assert store.status == StoreStatus.READY
    assert store.version == "0.1.0"

    removal = works.ended(works.delete(job))
    assert removal.status == JobStatus.SUCCEEDED, removal.problem
    assert f"namespace/{store.namespace}" not in works.namespaces()
    until("the Job is deleted, since the ledger has its events", lambda: not works.jobs(), 15)
    assert "job superseded" not in caplog.text


def test_kubernetes_job_finishes_without_a_bot(works: RemoteWorks) -> None:
    job = works.create("attended-shop")
    works.reached(job, "application")
    works.close()
    until = time.monotonic() + 60
    while [one["status"].get("succeeded") for one in works.jobs()] != [1]:
        assert time.monotonic() < until, "it needs no bot"
        time.sleep(0.2)
    time.sleep(OPENING_SECONDS)
    works.open()
    done = works.ended(job, 20)
    assert (done.status, done.attempts) == (JobStatus.SUCCEEDED, 2)
    assert stages(works, job, EventKind.STARTED) == STAGES
    assert stages(works, job, EventKind.DONE) == STAGES
    opened = next(e for e in works.ledger.jobs.events(job.id) if (e.stage, e.kind) == ("application", EventKind.DONE))
    assert opened.seconds is not None
    assert OPENING_SECONDS - 1 < opened.seconds < OPENING_SECONDS + 3, "not the time until a bot read it"


def test_restarted_bot_follows_the_same_kubernetes_job(works: RemoteWorks) -> None:
    job = works.create("watched-shop")
    works.reached(job, "application")
    (before,) = works.jobs()
    works.close()
    works.open()
    assert works.ended(job).status == JobStatus.SUCCEEDED
    assert stages(works, job, EventKind.DONE) == STAGES
    assert works.job(job).attempts == 2
    assert [one["metadata"]["uid"] for one in works.jobs()] in ([], [before["metadata"]["uid"]])


def test_delete_starts_after_the_pod_of_the_create_is_gone(works: RemoteWorks) -> None:
    job = works.create("unwanted-shop")
    works.reached(job, "application")
    removal = works.delete(job)
    works.reached(removal, "namespace")
    assert pods_of(works, job) == []
    assert works.ended(removal).status == JobStatus.SUCCEEDED
    assert works.job(job).status == JobStatus.SUPERSEDED
    assert "namespace/store-unwanted-shop" not in works.namespaces()


def test_delete_ends_the_kubernetes_job_that_a_killed_bot_left(works: RemoteWorks) -> None:
    job = works.create("orphaned-shop")
    works.reached(job, "application")
    works.close()
    works.open_ledger()
    removal = works.delete(job)  # the bot dies after it was ordered, before it could end the Job
    works.ledger.close()
    works.open()
    assert works.ended(removal).status == JobStatus.SUCCEEDED
    assert "namespace/store-orphaned-shop" not in works.namespaces()


def test_lost_pod_is_replaced_by_a_second_attempt(works: RemoteWorks) -> None:
    job = works.create("evicted-shop")
    works.reached(job, "application")
    kubectl(works.cluster, "delete", "pod", "-n", HOME, "-l", f"storewright.dev/job={job.id}", "--wait=false")
    done = works.ended(job)
    assert (done.status, done.attempts) == (JobStatus.SUCCEEDED, 2)
    [retrying] = [e.detail for e in works.ledger.jobs.events(job.id) if e.kind == EventKind.RETRYING]
    assert "The pod that worked on evicted-shop was lost." in retrying
    assert stages(works, job, EventKind.DONE) == STAGES


def test_failure_in_a_kubernetes_job_has_its_cause_and_can_be_retried(works: RemoteWorks) -> None:
    works.close()
    works.leaflet.release("0.1.0", image="storewright/none:none")
    works.give_charts()
    works.open()
    job = works.ended(works.create("broken-shop"))
    assert job.status == JobStatus.FAILED
    assert job.problem is not None
    assert "storewright/none:none can't be pulled" in job.problem.what
    until("the failed Job stays", lambda: [one["status"].get("failed") for one in works.jobs()] == [1], 10)

    works.close()
    works.leaflet.release("0.1.0")
    works.give_charts()
    works.open()
    again = works.retry(job)
    done = works.ended(again)
    assert done.status == JobStatus.SUCCEEDED, done.problem


def test_failed_upgrade_is_rolled_back_by_its_kubernetes_job(works: RemoteWorks) -> None:
    made = works.ended(works.create("kept-shop"))
    assert made.status == JobStatus.SUCCEEDED, made.problem
    works.close()
    works.leaflet.release("0.2.0", image="storewright/leaflet:none")
    works.give_charts()
    works.open()
    job = works.ended(works.upgrade(made))
    assert job.status == JobStatus.FAILED
    assert "can't be pulled" in str(job.problem)
    assert stages(works, job, EventKind.DONE)[-1] == "rollback"
    store = works.store("kept-shop")
    assert (store.status, store.version) == (StoreStatus.READY, "0.1.0")


def test_worker_that_can_not_start_fails_the_job_soon(works: RemoteWorks) -> None:
    works.close()
    works.worker = Worker("storewright/nobody:none")
    works.open()
    began = time.monotonic()
    job = works.ended(works.create("workless-shop"), 30)
    assert job.status == JobStatus.FAILED
    assert "The worker of workless-shop's job can't start: its image storewright/nobody:none can't be" in str(
        job.problem
    )
    assert time.monotonic() - began < 20


def test_worker_that_can_not_start_leaves_the_store_ready(works: RemoteWorks) -> None:
    made = works.ended(works.create("lucky-shop"))
    works.close()
    works.worker = Worker("storewright/nobody:none")
    works.open()
    job = works.ended(works.upgrade(made), 30)
    assert job.status == JobStatus.FAILED
    assert "can't start" in str(job.problem)
    store = works.store("lucky-shop")
    assert store.status == StoreStatus.READY


def test_full_cluster_is_waited_for_until_the_deadline(works: RemoteWorks) -> None:
    made = works.ended(works.create("late-shop"))
    works.close()
    works.worker = replace(works.worker, pod={**works.worker.pod, "nodeSelector": {"no": "such"}})
    works.open()
    began = time.monotonic()
    job = works.ended(works.delete(made, seconds=15), 90)
    assert job.status == JobStatus.FAILED
    assert "did not end within" in str(job.problem)
    assert "finds no node to run on" in str(job.problem)
    assert 15 < time.monotonic() - began < 45


def test_kubernetes_job_and_its_log_contain_no_secret(works: RemoteWorks) -> None:
    job = works.create("secret-shop")
    works.reached(job, "application")
    (manifest,) = works.jobs()
    (pod,) = pods_of(works, job)
    log = kubectl(works.cluster, "logs", "-n", HOME, f"job/{manifest['metadata']['name']}")
    for value in read_secret(works.cluster, "store-secret-shop", SECRET_NAME).values():
        assert value not in json.dumps([manifest, pod]) + log
    assert "SLACK" not in json.dumps(pod)
    works.ended(job)
