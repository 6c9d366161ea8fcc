"""Jobs as Kubernetes Jobs, against a real HTTP server that keeps Jobs, pods and logs as an API server does."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.clients.helm import HelmOutcome
from provisioner.clients.kubernetes.cluster import Cluster, Forbidden
from provisioner.domain.errors import JobFailed, Superseded, Transient
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.domain.store import JOB
from provisioner.ledger.ledger import Ledger
from provisioner.operations.journal import JobJournal
from provisioner.operations.steps.chart_job import NAME_LABEL
from provisioner.runner.executors.job_manifest import Worker
from provisioner.runner.executors.kubernetes import KubernetesExecutor
from tests.conftest import write_kubeconfig
from tests.integration.kubernetes_api import Answer, Request, serving
from tests.ledgers import SampleOrders
from tests.schedulers import toolbox
from tests.waiting import until

JOBS, PODS, EVENTS = (
    "/apis/batch/v1/namespaces/home/jobs",
    "/api/v1/namespaces/home/pods",
    "/api/v1/namespaces/home/events",
)
Object = dict[str, Any]


def line(type: str, **more: Any) -> str:
    """A line of a log as the bot's version 0.1.0 wrote it."""
    return json.dumps({"type": type, "at": 1.0, **more})


SUCCESS = [
    line("record", kind="started", stage="release", detail=""),
    line("helm", verb="upgrade", outcome="ok", seconds=0.5),
    line("record", kind="done", stage="release", detail=""),
    line("succeeded", version="0.2.0"),
]


class FakeCluster:
    """Jobs and their pods. A Job that is created has a running pod; `finish` gives it a log and an end."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.version = 0
        self.jobs: dict[str, Object] = {}
        self.pods: dict[str, Object] = {}
        self.logs: dict[str, list[str]] = {}  # by pod
        self.refuse: Callable[[Request], Answer | None] = lambda request: None
        self.requests: Counter[str] = Counter()
        self.open_watches, self.most_watches = 0, 0
        self.connections: set[socket.socket] = set()
        self.most_connections = 0
        self.start_pods = True

    # --- what happens in it -------------------------------------------------------------------------------------------

    def add_job(self, name: str, labels: Object, *, with_pod: bool = True) -> Object:
        with self.changed:
            self.version += 1
            uid = f"uid-{self.version}"
            job: Object = {"metadata": {"name": name, "uid": uid, "labels": labels}, "status": {}}
            self.jobs[name] = job
            if with_pod:
                self.add_pod(f"{name}-{self.version}", {**labels, NAME_LABEL: name}, uid)
            return job

    def add_pod(self, name: str, labels: Object, owner: str) -> None:
        with self.changed:
            self.version += 1
            self.pods[name] = {
                "metadata": {
                    "name": name,
                    "uid": name,
                    "labels": labels,
                    "ownerReferences": [{"uid": owner}],
                    "resourceVersion": str(self.version),
                },
                "status": {"phase": "Running", "containerStatuses": [{"name": "worker", "state": {"running": {}}}]},
            }
            self.logs[name] = []
            self.changed.notify_all()

    def finish(self, log: list[str], only: str = "", reason: str = "Complete") -> None:
        """End the Jobs whose pods run, all or only that one."""
        with self.changed:
            for name, pod in self.pods.items():
                if only in name and pod["status"]["phase"] == "Running":
                    self.logs[name] += log
                    self._set_phase(name, "Succeeded")
                    for job in self.jobs.values():
                        if job["metadata"]["uid"] == pod["metadata"]["ownerReferences"][0]["uid"]:
                            job["status"] = {"conditions": [{"type": "Complete", "status": "True", "reason": reason}]}
            self.changed.notify_all()

    def _set_phase(self, name: str, phase: str) -> None:
        self.version += 1
        pod = self.pods[name]
        meta = {**pod["metadata"], "resourceVersion": str(self.version)}
        self.pods[name] = {**pod, "metadata": meta, "status": {**pod["status"], "phase": phase}}

    # --- what it answers ----------------------------------------------------------------------------------------------

    def __call__(self, request: Request) -> Answer | None:
        with self.changed:
            self.connections = {one for one in self.connections if one.fileno() != -1} | {request.connection}
            self.most_connections = max(self.most_connections, len(self.connections))
        if refused := self.refuse(request):
            return refused
        kind = request.path.rpartition("/")[2] if request.path in (JOBS, PODS, EVENTS) else "one"
        self.requests[f"{request.method} {'watch ' * request.is_watch}{kind}"] += 1
        if request.path == PODS and request.is_watch:
            self._watch(request)
            return None
        if request.path == PODS:
            return self._listed(self.pods, request)
        if request.path == EVENTS:
            return 200, {"items": []}
        if request.path == JOBS:
            return self._create(request) if request.method == "POST" else self._listed(self.jobs, request)
        name = request.path.removeprefix(f"{PODS}/").removeprefix(f"{JOBS}/").removesuffix("/log")
        if request.path.endswith("/log"):
            return self._log(name, request)
        return self._job(name, request)

    def _listed(self, objects: dict[str, Object], request: Request) -> Answer:
        with self.changed:
            items = [found for found in objects.values() if _selected(found, request)]
            return 200, {"metadata": {"resourceVersion": str(self.version)}, "items": items}

    def _create(self, request: Request) -> Answer:
        name = request.body["metadata"]["name"]
        if name in self.jobs:
            return 409, {"message": "it exists"}
        return 201, self.add_job(name, request.body["metadata"]["labels"], with_pod=self.start_pods)

    def _job(self, name: str, request: Request) -> Answer:
        with self.changed:
            if name not in self.jobs:
                return 404, {"message": "no such Job"}
            if request.method == "DELETE":
                gone = self.jobs.pop(name)
                self.pods = {
                    key: pod
                    for key, pod in self.pods.items()
                    if pod["metadata"]["ownerReferences"][0]["uid"] != gone["metadata"]["uid"]
                }
                self.changed.notify_all()
                return 200, gone
            return 200, self.jobs[name]

    def _watch(self, request: Request) -> None:
        self.open_watches += 1
        self.most_watches = max(self.most_watches, self.open_watches)
        version = int(request.query["resourceVersion"])
        with self.changed:  # what changed since the list is sent first
            known = {name: pod for name, pod in self.pods.items() if int(pod["metadata"]["resourceVersion"]) <= version}
        known = {name: pod for name, pod in known.items() if _selected(pod, request)}
        request.begin_chunks()
        try:
            while not request.wait_for_close(0.02):
                with self.changed:
                    now = {name: pod for name, pod in self.pods.items() if _selected(pod, request)}
                for name in known.keys() | now.keys():
                    if known.get(name) != now.get(name):
                        type = "MODIFIED" if name in now else "DELETED"
                        event = {"type": type, "object": now.get(name) or known[name]}
                        request.write_chunk(json.dumps(event) + "\n")
                known = now
        finally:
            self.open_watches -= 1

    def _log(self, pod: str, request: Request) -> Answer | None:
        if pod not in self.logs:
            return 404, {"message": "no such pod"}
        request.begin_chunks()
        sent = 0
        while True:
            lines = self.logs[pod][sent:]
            for text in lines:
                request.write_chunk(text + "\n")
            sent += len(lines)
            if (
                pod not in self.pods
                or self.pods[pod]["status"]["phase"] != "Running"
                or request.query["follow"] != "true"
            ):
                request.write_chunk("")
                return None
            if request.wait_for_close(0.02):
                return None


def _selected(found: Object, request: Request) -> bool:
    wanted = [part.partition("=") for part in request.query.get("labelSelector", "").split(",") if part]
    return all(found["metadata"]["labels"].get(key) == value for key, _, value in wanted)


class Harness:
    """An executor on a real ledger, and jobs that it runs on threads."""

    def __init__(self, ledger: Ledger, folder: Path, fake: FakeCluster, url: str, max_jobs: int) -> None:
        self.ledger, self.fake, self.orders = ledger, fake, SampleOrders(ledger)
        cluster = Cluster(write_kubeconfig(folder / "kubeconfig", url), max_jobs=max_jobs)
        self.tools = replace(toolbox(folder, ledger, url), cluster=cluster)
        self.helm_runs: list[tuple[str, HelmOutcome, float]] = []
        self.executor = KubernetesExecutor(
            JobJournal(ledger),
            self.tools,
            Worker("storewright:1"),
            "home",
            max_jobs,
            on_helm_run=lambda *run: self.helm_runs.append(run),
        )
        self._threads = ThreadPoolExecutor(max_jobs)

    def order(self, name: str = "my-shop") -> Job:
        return self.orders.claimed(self.orders.create(name))

    def run(self, job: Job) -> Future[None]:
        return self._threads.submit(self.executor.run, job)

    def stop(self) -> None:
        self.tools.stopping.set()
        self._threads.shutdown()

    def events(self, job: Job) -> list[tuple[EventKind, str]]:
        return [(event.kind, event.stage) for event in self.ledger.jobs.events(job.id)][1:]

    def has_pods(self, number: int) -> None:
        until("the pods", lambda: len(self.fake.pods) == number, 30)


DONE = [(EventKind.STARTED, "release"), (EventKind.DONE, "release"), (EventKind.SUCCEEDED, "")]


@contextmanager
def harness_of(ledger: Ledger, folder: Path, max_jobs: int = 2) -> Iterator[Harness]:
    fake = FakeCluster()
    with serving(fake) as url:
        made = Harness(ledger, folder, fake, url, max_jobs)
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def harness(ledger: Ledger, tmp_path: Path) -> Iterator[Harness]:
    with harness_of(ledger, tmp_path) as made:
        yield made


def test_job_succeeds_and_its_kubernetes_job_is_deleted(harness: Harness) -> None:
    job = harness.order()
    running = harness.run(job)
    harness.has_pods(1)
    harness.fake.finish(SUCCESS)
    running.result(10)
    assert harness.events(job) == DONE
    assert harness.helm_runs == [("upgrade", HelmOutcome.OK, 0.5)]
    assert harness.fake.jobs == {}


def test_many_jobs_share_one_watch_and_fit_into_the_pool(
    ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = 30
    with harness_of(ledger, tmp_path, max_jobs=jobs) as harness:
        running = [harness.run(harness.order(f"shop-{number}")) for number in range(jobs)]
        harness.has_pods(jobs)
        time.sleep(3)
        harness.fake.finish(SUCCESS)
        for one in running:
            one.result(30)
        fake = harness.fake
        print(fake.requests, fake.most_connections)
        assert fake.most_watches == 1
        assert fake.requests["GET pods"] <= 3, "the pods are listed for all jobs at once"
        assert fake.most_connections <= 2 * jobs + 8
        assert "pool is full" not in caplog.text
        until("the watch is closed", lambda: fake.open_watches == 0, 20)


def test_waiting_jobs_share_one_list_of_events(ledger: Ledger, tmp_path: Path) -> None:
    jobs = 20
    with harness_of(ledger, tmp_path, max_jobs=jobs) as harness:
        harness.fake.start_pods = False
        running = [harness.run(harness.order(f"shop-{number}")) for number in range(jobs)]
        until("all Jobs", lambda: len(harness.fake.jobs) == jobs, 30)
        time.sleep(5)
        print(harness.fake.requests)
        assert harness.fake.requests["GET events"] <= 5
        harness.fake.jobs.clear()
        for one in running:
            with pytest.raises(Transient, match=r"was lost\. Kubernetes says: Deleted"):
                one.result(30)


def test_job_of_the_previous_version_is_found_and_followed_to_its_end(harness: Harness) -> None:
    job = harness.order()
    name = f"{job.store}-create-{job.id}"
    labels = {"app.kubernetes.io/component": "worker", "storewright.dev/instance": "storewright", JOB: job.id}
    harness.fake.add_job(name, labels)
    harness.fake.finish(SUCCESS)  # while no bot was there
    harness.run(job).result(10)
    assert harness.events(job) == DONE


def test_pod_of_an_earlier_attempt_is_not_followed(harness: Harness) -> None:
    job = harness.order()
    labels = {"app.kubernetes.io/component": "worker", "storewright.dev/instance": "storewright", JOB: job.id}
    harness.fake.add_pod("earlier", labels, "uid-of-the-earlier-job")
    harness.fake.finish([line("failed", problem={"what": "The earlier attempt failed."})])
    running = harness.run(job)
    harness.has_pods(2)
    harness.fake.finish(SUCCESS)
    running.result(10)
    assert harness.events(job) == DONE


def test_refused_watch_still_ends_the_job(harness: Harness) -> None:
    harness.fake.refuse = lambda request: (403, {"message": "no watch"}) if request.is_watch else None
    job = harness.order()
    running = harness.run(job)
    harness.has_pods(1)
    harness.fake.finish(SUCCESS)
    running.result(15)
    assert harness.events(job) == DONE


def test_log_is_read_where_the_job_ends_before_its_pod_was_seen(harness: Harness) -> None:
    job = harness.order()
    seen = {"metadata": {"resourceVersion": "1"}, "items": []}

    def behind(request: Request) -> Answer | None:
        """The shared watch never shows a pod; a list for this very job does."""
        if request.is_watch:
            return 403, {"message": "no watch"}
        return (200, seen) if request.path == PODS and JOB not in request.query["labelSelector"] else None

    harness.fake.refuse = behind
    running = harness.run(job)
    harness.has_pods(1)
    harness.fake.finish(SUCCESS)
    running.result(15)
    assert harness.events(job) == DONE


def test_api_server_that_is_away_for_a_while_costs_nothing(harness: Harness) -> None:
    job = harness.order()
    running = harness.run(job)
    harness.has_pods(1)
    harness.fake.refuse = lambda request: (503, {"message": "away"})
    time.sleep(2)
    harness.fake.finish(SUCCESS)
    time.sleep(1)
    harness.fake.refuse = lambda request: None
    running.result(20)
    assert harness.events(job) == DONE


def test_forbidden_log_fails_the_job_and_names_the_permission(harness: Harness) -> None:
    denied = 'pods "x" is forbidden: User "bot" cannot get resource "pods/log" in API group "" in the namespace "home"'

    def refuse(request: Request) -> Answer | None:
        if request.path == "/api/v1/namespaces/home":
            return 200, {"metadata": {"name": "home"}}
        return (403, {"message": denied}) if request.path.endswith("/log") else None

    harness.fake.refuse = refuse
    running = harness.run(harness.order())
    with pytest.raises(Forbidden, match="get pods/log in the namespace home"):
        running.result(20)
    assert harness.fake.jobs == {}, "it is ended"


def test_failed_operation_keeps_its_kubernetes_job(harness: Harness) -> None:
    running = harness.run(harness.order())
    harness.has_pods(1)
    harness.fake.finish([line("failed", problem={"what": "It broke.", "cause": "", "next_step": "", "log_tail": ""})])
    with pytest.raises(JobFailed, match="It broke"):
        running.result(10)
    assert len(harness.fake.jobs) == 1


def test_lost_pod_is_transient_and_its_kubernetes_job_is_deleted(harness: Harness) -> None:
    running = harness.run(harness.order())
    harness.has_pods(1)
    harness.fake.finish([], reason="BackoffLimitExceeded")
    with pytest.raises(Transient, match="was lost"):
        running.result(10)
    assert harness.fake.jobs == {}


def test_superseded_job_ends_its_kubernetes_job(harness: Harness) -> None:
    job = harness.order()
    running = harness.run(job)
    harness.has_pods(1)
    harness.orders.delete(job)
    assert running.exception(10) is not None
    assert harness.orders.job(job).status == JobStatus.SUPERSEDED
    assert harness.fake.jobs == {}


def cancelled(harness: Harness, job: Job) -> Job:
    """The job as its next attempt gets it, after a person has cancelled it."""
    harness.orders.journal.cancel(harness.orders.job(job), "U1", "key of the cancellation")
    return harness.orders.claimed(job)


CANCELLED = [
    line("record", kind="started", stage="rollback", detail=""),
    line("record", kind="done", stage="rollback", detail=""),
    line("cancelled"),
]


def test_cancelled_job_ends_its_kubernetes_job_and_another_one_takes_it_back(harness: Harness) -> None:
    job = harness.order()
    running = harness.run(job)
    harness.has_pods(1)
    [work] = harness.fake.jobs
    undo = cancelled(harness, job)
    assert isinstance(running.exception(10), Superseded)
    assert harness.fake.jobs == {}
    running = harness.run(undo)
    harness.has_pods(1)
    assert list(harness.fake.jobs) == [f"{work}-undo"]
    harness.fake.finish(CANCELLED)
    running.result(10)
    assert harness.orders.job(job).status == JobStatus.CANCELLED
    assert harness.events(job)[-1] == (EventKind.CANCELLED, "")


def test_job_that_succeeds_while_it_is_cancelled_has_succeeded(harness: Harness) -> None:
    """Its last lines come after the bot has asked for its end."""
    job = harness.order()
    running = harness.run(job)
    harness.has_pods(1)

    def finish_at_the_end(request: Request) -> Answer | None:
        if request.method == "DELETE":
            harness.fake.finish(SUCCESS)
            until("the log is read", lambda: harness.orders.job(job).status == JobStatus.SUCCEEDED)
        return None

    harness.fake.refuse = finish_at_the_end
    harness.orders.journal.cancel(harness.orders.job(job), "U1", "key of the cancellation")
    running.result(10)
    assert harness.orders.job(job).status == JobStatus.SUCCEEDED
    assert harness.orders.store().version == "0.2.0"


@pytest.mark.parametrize("log", [[], SUCCESS[:1], SUCCESS], ids=["nothing", "a stage", "its success"])
def test_work_that_a_former_bot_left_is_ended_before_it_is_taken_back(harness: Harness, log: list[str]) -> None:
    """What its log says counts, also that it succeeded."""
    job = harness.order()
    running = harness.run(job)
    harness.has_pods(1)
    harness.tools.stopping.set()
    assert running.exception(10) is not None
    harness.tools.stopping.clear()
    harness.fake.finish(log) if log == SUCCESS else harness.fake.logs[next(iter(harness.fake.pods))].extend(log)
    undo = cancelled(harness, job)
    running = harness.run(undo)
    if log == SUCCESS:
        assert isinstance(running.exception(10), Superseded)
        assert harness.orders.job(job).status == JobStatus.SUCCEEDED
        return
    until("the other Job", lambda: [name for name in list(harness.fake.jobs) if name.endswith("-undo")])
    assert len(harness.fake.jobs) == 1
    assert (EventKind.STARTED, "release") in harness.events(job) or not log
    harness.fake.finish(CANCELLED)
    running.result(10)
    assert harness.orders.job(job).status == JobStatus.CANCELLED


def test_stopping_bot_leaves_the_kubernetes_job_to_the_next_process(harness: Harness) -> None:
    job = harness.order()
    running = harness.run(job)
    harness.has_pods(1)
    harness.tools.stopping.set()
    assert running.exception(10) is not None
    assert len(harness.fake.jobs) == 1
    harness.tools.stopping.clear()
    again = harness.run(job)
    harness.fake.finish(SUCCESS)
    again.result(10)
    assert harness.events(job) == DONE
