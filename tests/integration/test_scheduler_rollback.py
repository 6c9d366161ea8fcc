"""Upgrades that fail outside of their own code are rolled back first, in the phase ROLLBACK of the job."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from provisioner.domain.errors import JobFailed, Problem, StoreUnchanged, Transient
from provisioner.domain.job import EventKind, Job, JobPhase, JobStatus, find_event
from provisioner.domain.store import StoreStatus
from provisioner.operations import upgrade
from provisioner.operations.journal import JobJournal
from provisioner.operations.steps.release import RELEASE
from provisioner.operations.steps.rollback import ROLLBACK
from provisioner.operations.toolbox import StoreDefaults, Toolbox
from provisioner.operations.upgrade import UPGRADE
from provisioner.runner.executors import Executor
from provisioner.runner.executors.job_manifest import Worker
from provisioner.runner.executors.kubernetes import KubernetesExecutor
from provisioner.runner.executors.local import LocalExecutor
from tests.schedulers import SampleScheduler, sample_scheduler


class RefusingApi(BaseHTTPRequestHandler):
    """A Kubernetes API that has no objects and creates none."""

    def do_GET(self) -> None:
        self._answer(200, {"items": [], "metadata": {"resourceVersion": "1"}})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(422, {"message": "no such thing here"})

    def _answer(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), RefusingApi)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class UpgradedStore:
    """One Ready store, and its upgrade."""

    def __init__(self, sample: SampleScheduler) -> None:
        self.sample, self.ledger = sample, sample.ledger
        self.made = sample.orders.finished(sample.orders.create(), "0.1.0")

    def upgrade(self) -> Job:
        """The upgrade at its end."""
        return self.sample.ended(self.sample.orders.upgrade(self.made))

    def status(self) -> str:
        return self.sample.orders.store().status


OpenStore = Callable[..., UpgradedStore]


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[OpenStore]:
    """Opens one UpgradedStore with an executor; `seconds` is the deadline of its upgrade."""
    with ExitStack() as stack:

        def make(executor: Callable[[Toolbox], Executor], *, seconds: float = 900, **options: Any) -> UpgradedStore:
            deadlines = {UPGRADE.kind: seconds}
            return UpgradedStore(
                stack.enter_context(sample_scheduler(tmp_path, executor, deadlines=deadlines, **options))
            )

        yield make


def local(tools: Toolbox) -> Executor:
    return LocalExecutor(tools, home="home")


def remote(tools: Toolbox) -> Executor:
    assert isinstance(tools.ledger, JobJournal)
    return KubernetesExecutor(tools.ledger, tools, Worker("storewright:1"), "home")


@pytest.mark.parametrize("executor", [local, remote])
def test_store_stays_ready_when_the_cluster_stays_away(
    open_store: OpenStore, executor: Callable[[Toolbox], Executor]
) -> None:
    store = open_store(executor, seconds=0.5)
    assert store.upgrade().status == JobStatus.FAILED
    assert store.status() == StoreStatus.READY


@pytest.mark.parametrize(
    ("defaults", "text"),
    [
        (StoreDefaults(), "no such thing here"),
        (StoreDefaults(overlay={"medusa": {"long": "x" * 100_000}}), "too long"),
    ],
    ids=["refused", "oversized"],
)
def test_store_stays_ready_when_its_kubernetes_job_can_not_be_created(
    open_store: OpenStore, refusing: str, defaults: StoreDefaults, text: str
) -> None:
    store = open_store(remote, api=refusing, defaults=defaults)
    job = store.upgrade()
    assert job.status == JobStatus.FAILED
    assert text in str(job.problem)
    assert store.status() == StoreStatus.READY


class FailingExecutor:
    """Fails `times` times in the middle of an upgrade, then succeeds in rolling it back."""

    at_once = 1

    def __init__(self, tools: Toolbox, error: Exception, times: int, seconds: float = 0) -> None:
        self._ledger, self._error, self._times, self._seconds = tools.ledger, error, times, seconds
        self.phases: list[JobPhase] = []

    def run(self, job: Job) -> None:
        self.phases.append(job.phase)
        if self._times:
            self._times -= 1
            self._ledger.record(job, EventKind.STARTED, RELEASE)
            time.sleep(self._seconds)
            raise self._error
        assert find_event(self._ledger.events(job.id), EventKind.STARTED, ROLLBACK.name)
        assert job.phase == JobPhase.ROLLBACK
        assert job.problem is not None
        raise StoreUnchanged.of(job.problem)


ERRORS = [JobFailed("It broke off."), Transient("It broke off."), RuntimeError("inside")]


@pytest.mark.parametrize("error", ERRORS, ids=["failed", "lost", "unexpected"])
def test_failed_upgrade_is_rolled_back_before_it_ends(open_store: OpenStore, error: Exception) -> None:
    store = open_store(lambda tools: FailingExecutor(tools, error, 1), seconds=0.5)
    job = store.upgrade()
    assert (job.status, job.attempts, store.status()) == (JobStatus.FAILED, 2, StoreStatus.READY)
    assert ("It broke off." in str(job.problem)) == (not isinstance(error, RuntimeError))
    assert job.phase == JobPhase.ROLLBACK
    details = [event.detail for event in store.ledger.jobs.events(job.id) if event.stage == ROLLBACK.name]
    assert details == [""], "the problem is the job's, not the detail of an event"


def test_failed_rollback_leaves_a_failed_store(open_store: OpenStore) -> None:
    store = open_store(lambda tools: FailingExecutor(tools, JobFailed("It broke off."), 9))
    job = store.upgrade()
    assert (job.status, job.attempts, store.status()) == (JobStatus.FAILED, 2, StoreStatus.FAILED)


def test_rollback_has_its_own_time(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollback that is lost is tried again, though the time to go forward is over."""
    monkeypatch.setattr("provisioner.runner.scheduler.pause_seconds", lambda attempt: 1 if attempt == 1 else 0.2)
    store = open_store(lambda tools: FailingExecutor(tools, Transient("It was lost."), 2, seconds=1.2), seconds=2)
    job = store.upgrade()
    assert (job.status, job.attempts, store.status()) == (JobStatus.FAILED, 3, StoreStatus.READY)
    executor = store.sample.executor
    assert isinstance(executor, FailingExecutor)
    assert executor.phases == [JobPhase.FORWARD, JobPhase.ROLLBACK, JobPhase.ROLLBACK]


def test_unexpected_error_in_an_upgrade_rolls_it_back(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    rolled_back: list[Problem] = []

    def break_down(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(upgrade, "_go_forward", break_down)
    monkeypatch.setattr(upgrade, "roll_back", lambda tools, job, store, problem: rolled_back.append(problem))
    store = open_store(LocalExecutor)
    job = store.upgrade()
    assert (job.status, job.attempts, store.status()) == (JobStatus.FAILED, 1, StoreStatus.READY)
    assert rolled_back == [job.problem]
    assert "inside" not in str(job.problem)
