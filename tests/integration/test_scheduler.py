"""The scheduler on a real ledger, against a cluster that does not answer or refuses: attempts, deadlines, surprises,
and what becomes of the store."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from provisioner import operations
from provisioner.clients.helm import Helm
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import JobFailed, Problem, StoreUnchanged, Transient
from provisioner.domain.job import LONGEST_PAUSE, RELEASE, ROLLBACK, EventKind, Job, JobStatus, find
from provisioner.domain.store import Addresses, StoreStatus
from provisioner.ledger.ledger import Ledger, Limits
from provisioner.operations import Toolbox, upgrade
from provisioner.runner.executors import Executor, KubernetesExecutor, LocalExecutor
from provisioner.runner.executors.job_manifest import Worker
from provisioner.runner.scheduler import WEDGED, Scheduler, pause
from tests.conftest import write_kubeconfig
from tests.waiting import until_job

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:9")
    addresses = Addresses("localhost")
    ledger = Ledger(tmp_path / "ledger.db", addresses)
    tools = Toolbox(
        ledger=ledger,
        cluster=Cluster(kubeconfig),
        helm=Helm(kubeconfig=kubeconfig),
        catalog=Catalog(ROOT / "charts"),
        addresses=addresses,
    )
    made = Scheduler(ledger, tools, LocalExecutor(tools))
    ledger.on_change = made.wake
    made.start()
    yield made
    made.stop()
    ledger.close()


def order(ledger: Ledger, name: str = "my-shop", deadline: float = 900) -> Job:
    return ledger.order_create(
        name=name,
        type="medusa",
        admin_path="/app",
        owner="U1",
        origin="",
        delivery_key=name,
        limits=Limits(create_deadline=deadline),
    )


def test_pauses_grow_are_bounded_and_do_not_march_in_step() -> None:
    medians = [statistics.median(pause(attempt) for _ in range(200)) for attempt in range(1, 6)]
    assert medians == sorted(medians)
    assert all(pause(attempt) <= LONGEST_PAUSE for attempt in range(1, 50))
    assert len({pause(3) for _ in range(20)}) > 10


def test_a_cluster_that_is_away_is_tried_again_later(scheduler: Scheduler) -> None:
    ledger = scheduler._ledger
    job = until_job(ledger, order(ledger), lambda j: j.attempts >= 2)
    retrying = [e.detail for e in ledger.events(job.id) if e.kind == EventKind.RETRYING]
    assert "The Kubernetes API can't be reached." in retrying[0]
    assert "Trying again in" in retrying[0]
    assert job.live


def test_the_deadline_ends_the_attempts(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.runner.scheduler.pause", lambda attempt: 0.2)
    ledger = scheduler._ledger
    job = until_job(ledger, order(ledger, deadline=1), lambda j: not j.live)
    assert job.status == JobStatus.FAILED
    assert job.problem is not None
    assert job.attempts > 2
    assert f"({job.attempts} attempts)" in job.problem.what


def test_no_attempt_begins_after_the_deadline(scheduler: Scheduler) -> None:
    ledger = scheduler._ledger
    job = until_job(ledger, order(ledger, deadline=0.5), lambda j: not j.live)
    assert (job.status, job.attempts) == (JobStatus.FAILED, 1)


def test_what_only_a_person_can_mend_is_not_tried_again(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise JobFailed("The chart is broken.", "A typo.", "Mend it.")

    monkeypatch.setattr(operations, "run", refuse)
    ledger = scheduler._ledger
    job = until_job(ledger, order(ledger), lambda j: not j.live)
    assert (job.status, job.attempts) == (JobStatus.FAILED, 1)
    assert job.problem == Problem("The chart is broken.", "A typo.", "Mend it.")


def test_the_unexpected_is_told_without_its_insides(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(operations, "run", break_down)
    ledger = scheduler._ledger
    job = until_job(ledger, order(ledger), lambda j: not j.live)
    assert job.status == JobStatus.FAILED
    assert job.id in str(job.problem)
    assert "inside" not in str(job.problem)


def test_a_way_back_that_takes_its_time_is_no_reason_to_start_the_bot_again(scheduler: Scheduler) -> None:
    job = order(scheduler._ledger)
    longest = upgrade.BACK_WITHIN + 120  # seconds, with a last call of helm
    busy = replace(job, deadline_at=time.time() - longest)
    scheduler._busy = {str(number): busy for number in range(scheduler._executor.at_once)}
    assert scheduler.trouble() == ""
    wedged = replace(job, deadline_at=time.time() - WEDGED - 1)
    scheduler._busy = dict.fromkeys(scheduler._busy, wedged)
    assert "workers are held" in scheduler.trouble()
    scheduler._busy = {}


# --- what becomes of a store whose upgrade fails outside its workflow ------------------------------------------------


class Api(BaseHTTPRequestHandler):
    """A cluster that has nothing and takes nothing."""

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
        """Quiet."""


@pytest.fixture
def refusing() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


AWAY = "http://127.0.0.1:9"


class Shop:
    """One Ready store, and its upgrade by the executor that `make` makes."""

    def __init__(self, folder: Path, api: str, make: Callable[[Ledger, Toolbox], Executor], **terms: Any) -> None:
        kubeconfig, addresses = write_kubeconfig(folder / "kubeconfig", api), Addresses("localhost")
        self.ledger = Ledger(folder / "ledger.db", addresses)
        tools = Toolbox(
            ledger=self.ledger,
            cluster=Cluster(kubeconfig),
            helm=Helm(kubeconfig=kubeconfig),
            catalog=Catalog(ROOT / "charts"),
            addresses=addresses,
            **terms,
        )
        self.made = order(self.ledger)
        self.ledger.succeed(self.made, "0.1.0")
        self.scheduler = Scheduler(self.ledger, tools, make(self.ledger, tools))
        self.ledger.on_change = self.scheduler.wake

    def upgrade(self, deadline: float = 900) -> Job:
        """Order it and see it to its end."""
        limits = Limits(upgrade_deadline=deadline)
        job = self.ledger.order_upgrade(
            store_id=self.made.store_id, by="U1", origin="", delivery_key="upgrade", limits=limits
        )
        self.scheduler.start()
        try:
            return until_job(self.ledger, job, lambda j: not j.live)
        finally:
            self.scheduler.stop()

    def status(self) -> str:
        store = self.ledger.store("my-shop")
        assert store is not None
        return store.status


def local(_: Ledger, tools: Toolbox) -> Executor:
    return LocalExecutor(tools, home="home")


def remote(ledger: Ledger, tools: Toolbox) -> Executor:
    return KubernetesExecutor(ledger, tools, Worker("storewright:1"), "home")


@pytest.mark.parametrize("executor", [local, remote])
def test_a_cluster_that_stays_away_leaves_a_store_what_it_is(
    tmp_path: Path, executor: Callable[[Ledger, Toolbox], Executor]
) -> None:
    shop = Shop(tmp_path, AWAY, executor)
    assert shop.upgrade(deadline=0.5).status == JobStatus.FAILED
    assert shop.status() == StoreStatus.READY


@pytest.mark.parametrize(
    ("terms", "words"),
    [({}, "no such thing here"), ({"overlay": {"medusa": {"long": "x" * 100_000}}}, "too long")],
    ids=["refused", "oversized"],
)
def test_a_job_that_can_not_be_made_leaves_a_store_what_it_is(
    tmp_path: Path, refusing: str, terms: dict[str, Any], words: str
) -> None:
    shop = Shop(tmp_path, refusing, remote, **terms)
    job = shop.upgrade()
    assert job.status == JobStatus.FAILED
    assert words in str(job.problem)
    assert shop.status() == StoreStatus.READY


class BreaksOff:
    """An executor that loses an upgrade in its midst, `times` times; then it goes back."""

    at_once = 1

    def __init__(self, ledger: Ledger, error: Exception, times: int, seconds: float = 0) -> None:
        self._ledger, self._error, self._times, self._seconds = ledger, error, times, seconds

    def run(self, job: Job) -> None:
        if self._times:
            self._times -= 1
            self._ledger.record(job, EventKind.STARTED, RELEASE)
            time.sleep(self._seconds)
            raise self._error
        begun = find(self._ledger.events(job.id), EventKind.STARTED, ROLLBACK)
        assert begun is not None
        raise StoreUnchanged(**json.loads(begun.detail))


ERRORS = [JobFailed("It broke off."), Transient("It broke off."), RuntimeError("inside")]


@pytest.mark.parametrize("error", ERRORS, ids=["failed", "lost", "surprise"])
def test_an_upgrade_that_broke_off_is_undone_before_it_is_told(tmp_path: Path, error: Exception) -> None:
    shop = Shop(tmp_path, AWAY, lambda ledger, _: BreaksOff(ledger, error, 1))
    job = shop.upgrade(deadline=0.5)
    assert (job.status, job.attempts, shop.status()) == (JobStatus.FAILED, 2, StoreStatus.READY)
    assert ("It broke off." in str(job.problem)) == (not isinstance(error, RuntimeError))


def test_a_way_back_that_breaks_off_too_is_a_failed_store(tmp_path: Path) -> None:
    shop = Shop(tmp_path, AWAY, lambda ledger, _: BreaksOff(ledger, JobFailed("It broke off."), 9))
    job = shop.upgrade()
    assert (job.status, job.attempts, shop.status()) == (JobStatus.FAILED, 2, StoreStatus.FAILED)


def test_a_way_back_has_its_time_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is lost on the way back is tried again, though the time for going forward is over."""
    monkeypatch.setattr("provisioner.runner.scheduler.pause", lambda attempt: 1 if attempt == 1 else 0.2)
    shop = Shop(tmp_path, AWAY, lambda ledger, _: BreaksOff(ledger, Transient("It was lost."), 2, seconds=1.2))
    job = shop.upgrade(deadline=2)
    assert (job.status, job.attempts, shop.status()) == (JobStatus.FAILED, 3, StoreStatus.READY)


def test_a_surprise_on_the_way_forward_is_undone_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    went_back: list[Problem] = []

    def break_down(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(upgrade, "_go_forward", break_down)
    monkeypatch.setattr(upgrade, "_go_back", lambda tools, job, store, problem: went_back.append(problem))
    shop = Shop(tmp_path, AWAY, lambda _, tools: LocalExecutor(tools))
    job = shop.upgrade()
    assert (job.status, job.attempts, shop.status()) == (JobStatus.FAILED, 1, StoreStatus.READY)
    assert went_back == [job.problem]
    assert "inside" not in str(job.problem)
