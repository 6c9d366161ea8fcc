"""The same jobs as Kubernetes Jobs: nothing is told twice or lost, whoever dies."""

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
from provisioner.ledger.ledger import Limits
from provisioner.runner.executors.job_manifest import Worker
from tests.e2e.provisioner_harness import LIMITS
from tests.e2e.remote import HOME, RemoteWorks
from tests.e2e.sample_type import Leaflet, load_image
from tests.waiting import until

STAGES = ["namespace", "secrets", "release", "application", "storefront", "check"]
SLOWLY = 4  # seconds that a leaflet takes to open


@pytest.fixture
def leaflet(cluster: DevCluster, tmp_path: Path) -> Leaflet:
    """One that takes its time, so that there is a middle in which things may happen."""
    load_image(cluster, tmp_path)
    made = Leaflet(tmp_path / "charts")
    page = made.chart / "templates/leaflet.yaml"
    page.write_text(page.read_text().replace("exec /busybox httpd", f"/busybox sleep {SLOWLY}; exec /busybox httpd"))
    return made


@pytest.fixture
def works(cluster: DevCluster, tmp_path: Path, leaflet: Leaflet) -> Iterator[RemoteWorks]:
    opened = RemoteWorks(cluster, tmp_path, leaflet)
    yield opened
    opened.close()
    opened.remove_all()


def told(works: RemoteWorks, job: Job, kind: EventKind) -> list[str]:
    return [event.stage for event in works.ledger.events(job.id) if event.kind == kind]


def pods_of(works: RemoteWorks, job: Job) -> list[Any]:
    of = ("-n", HOME, "-l", f"storewright.dev/job={job.id}")
    return list(json.loads(kubectl(works.cluster, "get", "pods", *of, "-o", "json"))["items"])


def test_a_store_is_made_and_removed_by_jobs(works: RemoteWorks, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    job = works.ended(works.create("remote-shop"))
    assert job.status == JobStatus.SUCCEEDED, job.problem
    assert told(works, job, EventKind.DONE) == STAGES
    store = works.ledger.store("remote-shop")
    assert store is not None
    assert store.status == StoreStatus.READY
    assert store.version == "0.1.0"

    removal = works.ended(works.delete(job))
    assert removal.status == JobStatus.SUCCEEDED, removal.problem
    assert f"namespace/{store.namespace}" not in works.namespaces()
    until("what was told is in the ledger, so the Job is not kept", lambda: not works.jobs(), 15)
    assert "no longer wanted" not in caplog.text


def test_a_job_goes_on_while_nobody_attends_to_it(works: RemoteWorks) -> None:
    job = works.create("attended-shop")
    works.reached(job, "application")
    works.close()
    until = time.monotonic() + 60
    while [one["status"].get("succeeded") for one in works.jobs()] != [1]:
        assert time.monotonic() < until, "it needs no bot"
        time.sleep(0.2)
    time.sleep(SLOWLY)
    works.open()
    done = works.ended(job, 20)
    assert (done.status, done.attempts) == (JobStatus.SUCCEEDED, 2)
    assert told(works, job, EventKind.STARTED) == STAGES
    assert told(works, job, EventKind.DONE) == STAGES
    opened = next(e for e in works.ledger.events(job.id) if (e.stage, e.kind) == ("application", EventKind.DONE))
    assert opened.seconds is not None
    assert SLOWLY - 1 < opened.seconds < SLOWLY + 3, "as long as it took, not until somebody read of it"


def test_whoever_comes_back_in_time_attends_to_the_same_job(works: RemoteWorks) -> None:
    job = works.create("watched-shop")
    works.reached(job, "application")
    (before,) = works.jobs()
    works.close()
    works.open()
    assert works.ended(job).status == JobStatus.SUCCEEDED
    assert told(works, job, EventKind.DONE) == STAGES
    assert works.ledger.job(job.id).attempts == 2  # type: ignore[union-attr]
    assert [one["metadata"]["uid"] for one in works.jobs()] in ([], [before["metadata"]["uid"]])


def test_a_delete_begins_when_the_pod_of_the_create_is_gone(works: RemoteWorks) -> None:
    job = works.create("unwanted-shop")
    works.reached(job, "application")
    removal = works.delete(job)
    works.reached(removal, "namespace")
    assert pods_of(works, job) == []
    assert works.ended(removal).status == JobStatus.SUCCEEDED
    assert works.ledger.job(job.id).status == JobStatus.SUPERSEDED  # type: ignore[union-attr]
    assert "namespace/store-unwanted-shop" not in works.namespaces()


def test_a_delete_clears_what_a_killed_bot_left_at_work(works: RemoteWorks) -> None:
    job = works.create("orphaned-shop")
    works.reached(job, "application")
    works.close()
    works.open_ledger()
    removal = works.delete(job)  # the bot dies after it was ordered, before it could end the Job
    works.ledger.close()
    works.open()
    assert works.ended(removal).status == JobStatus.SUCCEEDED
    assert "namespace/store-orphaned-shop" not in works.namespaces()


def test_a_pod_that_is_lost_is_made_anew(works: RemoteWorks) -> None:
    job = works.create("evicted-shop")
    works.reached(job, "application")
    kubectl(works.cluster, "delete", "pod", "-n", HOME, "-l", f"storewright.dev/job={job.id}", "--wait=false")
    done = works.ended(job)
    assert (done.status, done.attempts) == (JobStatus.SUCCEEDED, 2)
    [retrying] = [e.detail for e in works.ledger.events(job.id) if e.kind == EventKind.RETRYING]
    assert "The pod that worked on evicted-shop was lost." in retrying
    assert told(works, job, EventKind.DONE) == STAGES


def test_a_failure_is_told_as_if_it_were_here(works: RemoteWorks) -> None:
    works.close()
    works.leaflet.release("0.1.0", image="storewright/none:none")
    works.give_charts()
    works.open()
    job = works.ended(works.create("broken-shop"))
    assert job.status == JobStatus.FAILED
    assert job.problem is not None
    assert "storewright/none:none can't be pulled" in job.problem.what
    until("it is left to be looked at", lambda: [one["status"].get("failed") for one in works.jobs()] == [1], 10)

    works.close()
    works.leaflet.release("0.1.0")
    works.give_charts()
    works.open()
    again = works.ledger.order_retry(job_id=job.id, by="U1", origin="{}", delivery_key="again", limits=LIMITS)
    done = works.ended(again)
    assert done.status == JobStatus.SUCCEEDED, done.problem


def test_an_upgrade_that_fails_is_put_back_by_its_job(works: RemoteWorks) -> None:
    made = works.ended(works.create("kept-shop"))
    assert made.status == JobStatus.SUCCEEDED, made.problem
    works.close()
    works.leaflet.release("0.2.0", image="storewright/leaflet:none")
    works.give_charts()
    works.open()
    job = works.ended(works.upgrade(made))
    assert job.status == JobStatus.FAILED
    assert "can't be pulled" in str(job.problem)
    assert told(works, job, EventKind.DONE)[-1] == "rollback"
    store = works.ledger.store("kept-shop")
    assert store is not None
    assert (store.status, store.version) == (StoreStatus.READY, "0.1.0")


def test_a_worker_that_can_not_start_is_told_soon(works: RemoteWorks) -> None:
    works.close()
    works.worker = Worker("storewright/nobody:none")
    works.open()
    begun = time.monotonic()
    job = works.ended(works.create("workless-shop"), 30)
    assert job.status == JobStatus.FAILED
    assert "The worker of workless-shop's job can't start: its image storewright/nobody:none can't be" in str(
        job.problem
    )
    assert time.monotonic() - begun < 20


def test_a_worker_that_can_not_start_leaves_a_store_as_it_is(works: RemoteWorks) -> None:
    made = works.ended(works.create("lucky-shop"))
    works.close()
    works.worker = Worker("storewright/nobody:none")
    works.open()
    job = works.ended(works.upgrade(made), 30)
    assert job.status == JobStatus.FAILED
    assert "can't start" in str(job.problem)
    store = works.ledger.store("lucky-shop")
    assert store is not None
    assert store.status == StoreStatus.READY


def test_a_full_cluster_is_waited_for_until_the_deadline(works: RemoteWorks) -> None:
    made = works.ended(works.create("late-shop"))
    works.close()
    works.worker = replace(works.worker, pod={**works.worker.pod, "nodeSelector": {"no": "such"}})
    works.open()
    begun = time.monotonic()
    job = works.ended(works.delete(made, Limits(delete_deadline=15)), 90)
    assert job.status == JobStatus.FAILED
    assert "did not end within" in str(job.problem)
    assert "finds no node to run on" in str(job.problem)
    assert 15 < time.monotonic() - begun < 45


def test_no_secret_is_in_a_job(works: RemoteWorks) -> None:
    job = works.create("secret-shop")
    works.reached(job, "application")
    (manifest,) = works.jobs()
    (pod,) = pods_of(works, job)
    log = kubectl(works.cluster, "logs", "-n", HOME, f"job/{manifest['metadata']['name']}")
    for value in read_secret(works.cluster, "store-secret-shop", SECRET_NAME).values():
        assert value not in json.dumps([manifest, pod]) + log
    assert "SLACK" not in json.dumps(pod)
    works.ended(job)
