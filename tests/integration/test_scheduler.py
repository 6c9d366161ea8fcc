"""The scheduler on a real ledger, against a cluster that does not answer: attempts, pauses, deadlines, surprises."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner import workflows
from provisioner.catalog import Catalog
from provisioner.cluster import Cluster
from provisioner.errors import JobFailed, Problem
from provisioner.executors import Local
from provisioner.helm import Helm
from provisioner.jobs import LONGEST_PAUSE, EventKind, Job, JobStatus
from provisioner.ledger import Ledger, Limits
from provisioner.scheduler import Scheduler, pause
from provisioner.stores import Addresses
from provisioner.workflows import Toolbox
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
    made = Scheduler(ledger, tools, Local(tools))
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
    monkeypatch.setattr("provisioner.scheduler.pause", lambda attempt: 0.2)
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

    monkeypatch.setattr(workflows, "run", refuse)
    ledger = scheduler._ledger
    job = until_job(ledger, order(ledger), lambda j: not j.live)
    assert (job.status, job.attempts) == (JobStatus.FAILED, 1)
    assert job.problem == Problem("The chart is broken.", "A typo.", "Mend it.")


def test_the_unexpected_is_told_without_its_insides(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(workflows, "run", break_down)
    ledger = scheduler._ledger
    job = until_job(ledger, order(ledger), lambda j: not j.live)
    assert job.status == JobStatus.FAILED
    assert job.id in str(job.problem)
    assert "inside" not in str(job.problem)
