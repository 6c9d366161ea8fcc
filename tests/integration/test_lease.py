"""The Lease against a real HTTP server that keeps one as Kubernetes does, and that can fail, hang or be slow."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot.leader_election import TakeoverSignal
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import HandedOver
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.ledger.ledger import Ledger
from provisioner.operations.create import CREATE
from provisioner.operations.toolbox import Toolbox
from provisioner.runner.lease import HeldByAnother, Lease, LeaseTimings, NotHeld
from tests.conftest import write_kubeconfig
from tests.ledgers import exclusive_ledger
from tests.schedulers import SampleScheduler, toolbox

TIMINGS = LeaseTimings(duration=2, renew_deadline=1.2, renew=0.3, retry=0.1)


class Store:
    """One lease on the server; `trouble` may answer a request with a status instead."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.elsewhere: dict[str, Any] | None = None  # one of the same name in another namespace
        self.version = 0
        self.lock = threading.Lock()
        self.trouble: Callable[[str], int | None] = lambda _: None

    def get(self) -> tuple[int, dict[str, Any]]:
        return (200, self.lease) if self.lease else (404, {"message": "no such lease"})

    def all(self) -> tuple[int, dict[str, Any]]:
        return 200, {"items": [lease for lease in (self.lease, self.elsewhere) if lease]}

    def put(self, lease: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            if self.lease and lease["metadata"].get("resourceVersion") != self.lease["metadata"]["resourceVersion"]:
                return 409, {"message": "the object has been modified"}
            self.version += 1
            lease["metadata"] |= {"resourceVersion": str(self.version), "namespace": "home"}
            self.lease = lease
            return 200, lease


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store
    who = ""

    def do_GET(self) -> None:
        self._answer(self.store.all if "/namespaces/" not in self.path else self.store.get)

    def do_PUT(self) -> None:
        self._answer(lambda: self.store.put(self._body()))

    def do_POST(self) -> None:
        self._answer(lambda: self.store.put(self._body()))

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, act: Callable[[], tuple[int, dict[str, Any]]]) -> None:
        trouble = self.store.trouble(self.who)
        status, answer = (trouble, {"message": "in trouble"}) if trouble else act()
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


class Cells:
    """Leases on one server, each through a port of its own, so that a test can cut off a single one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, Store()
        self.made: list[Lease] = []
        self.servers: list[ThreadingHTTPServer] = []

    def lease(
        self,
        identity: str,
        timings: LeaseTimings = TIMINGS,
        *,
        everywhere: bool = False,
        on_change: Callable[[Lease], None] = lambda lease: None,
    ) -> Lease:
        handler = type("Handler", (Api,), {"store": self.store, "who": identity})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.servers.append(server)
        kubeconfig = write_kubeconfig(self.folder / identity, f"http://127.0.0.1:{server.server_port}")
        cluster, name = Cluster(kubeconfig), "storewright-test"
        lease = Lease(cluster, "home", name, identity, timings, everywhere=everywhere, on_change=on_change)
        self.made.append(lease)
        return lease

    @contextmanager
    def cut_off(self, identity: str, status: Callable[[], int] = lambda: 503) -> Iterator[None]:
        self.store.trouble = lambda who: status() if who == identity else None
        yield
        self.store.trouble = lambda _: None


@pytest.fixture
def cells(tmp_path: Path) -> Iterator[Cells]:
    opened = Cells(tmp_path)
    yield opened
    opened.store.trouble = lambda _: None
    for lease in opened.made:
        lease.stop()
    for server in opened.servers:
        server.shutdown()


def within(seconds: float, look: Callable[[], object]) -> float:
    """Wait until `look` is true; the seconds that took."""
    begun = time.monotonic()
    while not look():
        assert time.monotonic() - begun < seconds
        time.sleep(0.01)
    return time.monotonic() - begun


def test_second_bot_waits_and_names_the_holder(cells: Cells) -> None:
    first, second = cells.lease("first"), cells.lease("second")
    first.start()
    first.acquire(1)
    first.check()
    first.require()
    second.start()
    within(1, lambda: second.another)
    with pytest.raises(HeldByAnother, match=r"Another bot \(first\) holds the lease home/storewright-test"):
        second.check()
    with pytest.raises(HandedOver):
        second.require()
    time.sleep(2 * TIMINGS.duration)
    assert first.held(), "it is renewed"
    assert not second.held()


def test_waiting_bot_acquires_a_released_lease_at_once(cells: Cells) -> None:
    first, second = cells.lease("first"), cells.lease("second")
    first.start()
    first.acquire(1)
    second.start()
    within(1, lambda: second.another)
    first.release()
    assert not first.held()
    assert within(TIMINGS.duration, second.held) < 1
    assert cells.store.lease is not None
    assert cells.store.lease["spec"]["leaseTransitions"] == 2


def test_bot_that_is_cut_off_stops_before_another_acquires_the_lease(cells: Cells) -> None:
    first, second = cells.lease("first"), cells.lease("second")
    first.start()
    first.acquire(1)
    second.start()
    within(1, lambda: second.another)
    with cells.cut_off("first"):
        within(TIMINGS.renew_deadline + 0.5, lambda: not first.held())
        stopped_at = time.monotonic()
        assert not second.held()
        assert first.another is None, "it can't know the new holder"
        within(TIMINGS.duration, second.held)
        assert time.monotonic() - stopped_at > 0.3
    within(1, lambda: first.another)


def test_api_server_that_does_not_answer_counts_as_unreachable(cells: Cells) -> None:
    lease = cells.lease("only")
    lease.start()
    lease.acquire(1)

    def late() -> int:
        time.sleep(2.5)
        return 503

    with cells.cut_off("only", late):
        within(TIMINGS.renew_deadline + 0.5, lambda: not lease.held())
        with pytest.raises(NotHeld):
            lease.check()
    within(8, lease.held)


def test_acquire_returns_when_the_holder_can_not_be_read(cells: Cells) -> None:
    lease = cells.lease("only")
    with cells.cut_off("only"):
        lease.start()
        lease.acquire(1)
        with pytest.raises(NotHeld, match=r"refused for now \(503\): in trouble Work waits for the lease home/"):
            lease.check()
    within(1, lease.held)


def test_restarted_bot_continues_with_its_own_lease(cells: Cells) -> None:
    died = cells.lease("same")
    died.start()
    died.acquire(1)
    died.stop()
    back = cells.lease("same")
    back.start()
    within(0.5, back.held)


def test_one_of_many_concurrent_bots_acquires_the_lease(cells: Cells) -> None:
    many = [cells.lease(f"bot-{number}") for number in range(5)]
    for lease in many:
        lease.start()
    within(2, lambda: all(lease.held() or lease.another for lease in many))
    assert sum(lease.held() for lease in many) == 1


def test_lease_taken_by_another_is_lost_and_acquired_again_after_it_expires(cells: Cells) -> None:
    changes: list[bool] = []
    lease = cells.lease("only", on_change=lambda lease: changes.append(lease.held()))
    lease.start()
    lease.acquire(1)
    assert cells.store.lease is not None
    taken = {**cells.store.lease, "spec": {**cells.store.lease["spec"], "holderIdentity": "somebody"}}
    cells.store.put(taken)
    within(1, lambda: not lease.held())
    within(TIMINGS.duration + 1, lease.held)  # somebody does not renew
    within(1, lambda: changes == [True, False, True])


def test_lease_in_another_namespace_counts_from_outside_the_cluster(cells: Cells) -> None:
    def renewed(version: str) -> dict[str, Any]:
        meta = {"namespace": "pods", "name": "storewright-test", "resourceVersion": version}
        return {"metadata": meta, "spec": {"holderIdentity": "pod", "leaseDurationSeconds": TIMINGS.duration}}

    cells.store.elsewhere = renewed("1")
    lease = cells.lease("laptop", everywhere=True)
    lease.start()
    within(1, lambda: lease.another)
    with pytest.raises(HeldByAnother, match=r"Another bot \(pod\) holds the lease pods/storewright-test"):
        lease.check()
    within(TIMINGS.duration + 1, lease.held)  # the pod died
    cells.store.elsewhere = renewed("2")
    within(1, lambda: lease.another and not lease.held())


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals that a TakeoverSignal sent."""
    sent: list[int] = []
    monkeypatch.setattr("bot.leader_election.os.kill", lambda pid, signal: sent.append(signal))
    return sent


def _waiting_for_another(cells: Cells) -> tuple[Lease, Lease, TakeoverSignal]:
    """The holder's lease, ours, which waits for it, and the signal of ours."""
    takeover = TakeoverSignal()
    first, lease = cells.lease("first"), cells.lease("ours", on_change=takeover)
    first.start()
    first.acquire(1)
    lease.start()
    within(1, lambda: lease.another)
    return first, lease, takeover


def test_takeover_sends_one_signal_and_only_once_the_bot_works(cells: Cells, signals: list[int]) -> None:
    first, lease, takeover = _waiting_for_another(cells)
    assert signals == [], "another holder is what it waits for"
    first.release()
    lease.acquire(2)
    takeover.arm(lease)
    for holder in ("somebody", "somebody else"):
        assert cells.store.lease is not None
        cells.store.put({**cells.store.lease, "spec": {**cells.store.lease["spec"], "holderIdentity": holder}})
        within(1, lambda: lease.another)
        within(TIMINGS.duration + 1, lease.held)
    assert signals == [signal.SIGTERM]


def test_takeover_between_acquiring_and_working_sends_the_signal(cells: Cells, signals: list[int]) -> None:
    _, lease, takeover = _waiting_for_another(cells)
    takeover.arm(lease)
    assert signals == [signal.SIGTERM]


# --- with the scheduler -----------------------------------------------------------------------------------------------


class LosingExecutor:
    """Succeeds at once while the lease is held; the first `losses` jobs lose it while they run."""

    at_once = 2

    def __init__(self, tools: Toolbox, lease: Lease) -> None:
        self._ledger, self._lease = tools.ledger, lease
        self.losses = 0

    def run(self, job: Job) -> None:
        if self.losses:
            self.losses -= 1
            raise HandedOver
        self._lease.require()
        self._ledger.succeed(job)


class LeasedScheduler:
    """A running scheduler whose bot needs the lease, which is not started yet."""

    def __init__(self, folder: Path, ledger: Ledger, lease: Lease, deadline_seconds: float) -> None:
        tools = toolbox(folder, ledger)
        self.ledger, self.lease, self.executor = ledger, lease, LosingExecutor(tools, lease)
        deadlines = {CREATE.kind: deadline_seconds}
        sample = SampleScheduler(ledger, tools, lambda _: self.executor, deadlines=deadlines, lease=lease)
        self.orders, self.running = sample.orders, sample.running


@contextmanager
def leased_scheduler(cells: Cells, folder: Path, deadline_seconds: float = 900) -> Iterator[LeasedScheduler]:
    with exclusive_ledger(folder / "ledger.db") as ledger:
        made = LeasedScheduler(folder, ledger, cells.lease("ours"), deadline_seconds)
        with made.running():
            yield made


def test_no_job_starts_while_another_bot_holds_the_lease(cells: Cells, tmp_path: Path) -> None:
    theirs = cells.lease("theirs")
    theirs.start()
    theirs.acquire(1)
    with leased_scheduler(cells, tmp_path) as leased:
        leased.lease.start()
        within(1, lambda: leased.lease.another)
        job = leased.orders.create()
        time.sleep(1)
        now = leased.orders.job(job)
        assert (now.status, now.attempts) == (JobStatus.QUEUED, 0)
        theirs.release()
        within(3, lambda: leased.orders.job(job).status == JobStatus.SUCCEEDED)


def test_job_outlives_its_deadline_while_the_lease_can_not_be_read(cells: Cells, tmp_path: Path) -> None:
    with leased_scheduler(cells, tmp_path, deadline_seconds=0.5) as leased:
        with cells.cut_off("ours"):
            leased.lease.start()
            leased.lease.acquire(1)
            job = leased.orders.create()
            time.sleep(2)
            assert leased.orders.job(job).live
            counts = leased.ledger.statistics.counts()
            assert counts.queued == 1
            assert counts.oldest_queued_seconds > 1.5
            waits = [e.detail for e in leased.ledger.jobs.events(job.id) if e.kind == EventKind.WAITING]
            assert len(waits) == 1, "one event, however many looks"
            assert "Work waits for the lease home/storewright-test." in waits[0]
        within(8, lambda: leased.orders.job(job).status == JobStatus.SUCCEEDED)
        assert leased.orders.job(job).attempts == 1


def test_handed_over_job_runs_again(cells: Cells, tmp_path: Path) -> None:
    with leased_scheduler(cells, tmp_path) as leased:
        leased.executor.losses = 2
        leased.lease.start()
        leased.lease.acquire(1)
        job = leased.orders.create()
        within(5, lambda: leased.orders.job(job).status == JobStatus.SUCCEEDED)
        assert leased.orders.job(job).attempts == 3
