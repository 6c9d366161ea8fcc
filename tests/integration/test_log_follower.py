"""A job's log into a real ledger: it may be read again and again, by one process after another."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from provisioner.domain.errors import JobFailed, Superseded
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.ledger.ledger import Ledger, Limits
from provisioner.runner.executors.log_follower import JobLog
from tests.conftest import Clock


@pytest.fixture
def job(ledger: Ledger, clock: Clock) -> Job:
    ledger.order_create(
        name="my-shop", type="medusa", admin_path="/", owner="U1", origin="", delivery_key="1", limits=Limits()
    )
    claimed = ledger.claim_due()
    assert claimed is not None
    clock.now += 100
    return claimed


def hearer(ledger: Ledger, job: Job) -> JobLog:
    return JobLog(ledger, job, lambda verb, outcome, seconds: None)


def line(told: str, at: float, **more: Any) -> str:
    return json.dumps({"type": told, "at": at, **more})


def stage(kind: str, at: float, name: str = "release") -> str:
    return line("record", at, kind=kind, stage=name, detail="")


def heard(ledger: Ledger, job: Job) -> list[tuple[EventKind, str, float, float | None]]:
    return [(e.kind, e.stage, e.at, e.seconds) for e in ledger.events(job.id)][1:]


def test_it_is_kept_once_and_as_of_when_it_was(ledger: Ledger, job: Job) -> None:
    begun = job.created_at
    log = [stage("started", begun + 1), stage("done", begun + 4), line("succeeded", begun + 5, version="0.2.0")]
    first = hearer(ledger, job)
    first.read(log[:2])
    first.read(log[:2])
    second = hearer(ledger, job)  # of the next process
    second.read(log)
    assert second.complete
    assert second.error is None
    assert heard(ledger, job) == [
        ("started", "release", begun + 1, None),
        ("done", "release", begun + 4, 3.0),
        ("succeeded", "", begun + 5, 5.0),
    ]
    store = ledger.store("my-shop")
    assert store is not None
    assert (store.status, store.ready_at, store.version) == (StoreStatus.READY, begun + 5, "0.2.0")


def test_a_clock_that_is_ahead_writes_nothing_of_the_future(ledger: Ledger, job: Job, clock: Clock) -> None:
    hearer(ledger, job).read([stage("started", clock.now + 60)])
    assert heard(ledger, job) == [("started", "release", clock.now, None)]


def test_a_clock_that_is_behind_ends_nothing_before_it_was_ordered(ledger: Ledger, job: Job) -> None:
    hearer(ledger, job).read([line("succeeded", job.created_at - 60, version="")])
    assert heard(ledger, job) == [("succeeded", "", job.created_at, 0.0)]


def test_an_end_that_is_not_well_is_left_to_the_scheduler(ledger: Ledger, job: Job) -> None:
    job_log = hearer(ledger, job)
    problem = {"what": "It broke.", "cause": "", "next_step": "", "log_tail": "last words"}
    job_log.read([line("failed", 1.0, problem=problem)])
    assert job_log.complete
    assert isinstance(job_log.error, JobFailed)
    assert job_log.error.problem.log_tail == "last words"
    assert ledger.job(job.id).status == JobStatus.RUNNING  # type: ignore[union-attr]


def test_logs_come_into_our_own_and_so_does_what_nobody_meant_to_say(
    ledger: Ledger, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    log = [
        line("log", 1.0, level=logging.WARNING, logger="provisioner.clients.helm", message="100 % slow"),
        "Segmentation fault",
    ]
    job_log = hearer(ledger, job)
    job_log.read(log)
    job_log.read(log)
    assert [(r.name, r.getMessage()) for r in caplog.records] == [
        ("provisioner.clients.helm", "100 % slow"),
        ("provisioner.runner.executors.log_follower", "the job's process said: Segmentation fault"),
    ]


def test_runs_of_helm_are_counted_here(ledger: Ledger, job: Job) -> None:
    counted: list[tuple[str, str, float]] = []
    job_log = JobLog(ledger, job, lambda *run: counted.append(run))
    job_log.read([line("helm", 1.0, verb="upgrade", outcome="ok", seconds=0.5)])
    assert counted == [("upgrade", "ok", 0.5)]


def test_what_breaks_off_is_gone_on_with(ledger: Ledger, job: Job) -> None:
    def broken() -> Iterator[str]:
        yield stage("started", 1.0)
        raise ConnectionError

    job_log = hearer(ledger, job)
    with pytest.raises(ConnectionError):
        job_log.read(broken())
    job_log.read([stage("started", 1.0), stage("done", 2.0)])
    assert [kind for kind, *_ in heard(ledger, job)] == ["started", "done"]


def test_nothing_is_heard_of_a_job_that_is_not_wanted_or_not_ours(ledger: Ledger, job: Job) -> None:
    closed = hearer(ledger, job)
    closed.close()
    closed.read([stage("started", 1.0)])
    assert heard(ledger, job) == []
    ledger.order_delete(store_id=job.store_id, by="U1", origin="", delivery_key="2", limits=Limits())
    with pytest.raises(Superseded):
        hearer(ledger, job).read([stage("started", 1.0)])
    assert [kind for kind, *_ in heard(ledger, job)] == [EventKind.SUPERSEDED]
