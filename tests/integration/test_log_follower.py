"""A worker's log into a real ledger: the same log may be read again, also by another process."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from provisioner.clients.helm import ignore_run
from provisioner.domain.errors import JobFailed, Problem, Superseded
from provisioner.domain.job import EventKind, Job, JobPhase, JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.operations.journal import JobJournal
from provisioner.runner.executors.log_follower import JobLog
from tests.conftest import Clock
from tests.ledgers import SampleOrders


@pytest.fixture
def job(orders: SampleOrders, clock: Clock) -> Job:
    orders.create()
    claimed = orders.claimed()
    clock.now += 100
    return claimed


def reader(ledger: Ledger, job: Job) -> JobLog:
    return JobLog(JobJournal(ledger), job, ignore_run)


def line(type: str, at: float, **more: Any) -> str:
    """A line as the bot's version 0.1.0 wrote it."""
    return json.dumps({"type": type, "at": at, **more})


def stage(kind: str, at: float, name: str = "release") -> str:
    return line("record", at, kind=kind, stage=name, detail="")


def recorded(ledger: Ledger, job: Job) -> list[tuple[EventKind, str, float, float | None]]:
    return [(e.kind, e.stage, e.at, e.seconds) for e in ledger.jobs.events(job.id)][1:]


def test_event_is_kept_once_with_the_time_of_its_message(ledger: Ledger, job: Job) -> None:
    began = job.created_at
    log = [stage("started", began + 1), stage("done", began + 4), line("succeeded", began + 5, version="0.2.0")]
    first = reader(ledger, job)
    first.read(log[:2])
    first.read(log[:2])
    second = reader(ledger, job)  # in the next process
    second.read(log)
    assert second.complete
    assert second.error is None
    assert recorded(ledger, job) == [
        ("started", "release", began + 1, None),
        ("done", "release", began + 4, 3.0),
        ("succeeded", "", began + 5, 5.0),
    ]
    store = SampleOrders(ledger).store()
    assert (store.status, store.ready_at, store.version) == (StoreStatus.READY, began + 5, "0.2.0")


def test_message_from_a_fast_clock_gets_the_present_time(ledger: Ledger, job: Job, clock: Clock) -> None:
    reader(ledger, job).read([stage("started", clock.now + 60)])
    assert recorded(ledger, job) == [("started", "release", clock.now, None)]


def test_message_from_a_slow_clock_gets_the_orders_time(ledger: Ledger, job: Job) -> None:
    reader(ledger, job).read([line("succeeded", job.created_at - 60, version="")])
    assert recorded(ledger, job) == [("succeeded", "", job.created_at, 0.0)]


def test_failure_message_is_left_to_the_scheduler(ledger: Ledger, job: Job) -> None:
    job_log = reader(ledger, job)
    problem = {"what": "It broke.", "cause": "", "next_step": "", "log_tail": "last words"}
    job_log.read([line("failed", 1.0, problem=problem)])
    assert job_log.complete
    assert isinstance(job_log.error, JobFailed)
    assert job_log.error.problem.log_tail == "last words"
    assert SampleOrders(ledger).job(job).status == JobStatus.RUNNING


PROBLEM = {"what": "It broke.", "cause": "", "next_step": "", "log_tail": ""}
ROLLBACK = {
    "present version": line("rollback", 1.0, problem=PROBLEM),
    "version 0.1.0": line("record", 1.0, kind="started", stage="rollback", detail=json.dumps(PROBLEM)),
}


@pytest.mark.parametrize("text", ROLLBACK.values(), ids=list(ROLLBACK))
def test_rollback_message_of_each_version_starts_the_rollback(ledger: Ledger, job: Job, text: str) -> None:
    reader(ledger, job).read([text, stage("done", 2.0, "rollback")])
    now = SampleOrders(ledger).job(job)
    assert (now.phase, now.problem) == (JobPhase.ROLLBACK, Problem(**PROBLEM))
    assert [(kind, name) for kind, name, *_ in recorded(ledger, job)] == [("started", "rollback"), ("done", "rollback")]


def test_log_messages_and_stray_lines_go_to_the_bots_log(
    ledger: Ledger, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    log = [
        line("log", 1.0, level=logging.WARNING, logger="provisioner.clients.helm", message="100 % slow"),
        "Segmentation fault",
    ]
    job_log = reader(ledger, job)
    job_log.read(log)
    job_log.read(log)
    assert [(r.name, r.getMessage()) for r in caplog.records] == [
        ("provisioner.clients.helm", "100 % slow"),
        ("provisioner.runner.executors.log_follower", "the job's process said: Segmentation fault"),
    ]


def test_helm_message_is_reported(ledger: Ledger, job: Job) -> None:
    counted: list[tuple[str, str, float]] = []
    job_log = JobLog(JobJournal(ledger), job, lambda *run: counted.append(run))
    job_log.read([line("helm", 1.0, verb="upgrade", outcome="ok", seconds=0.5)])
    assert counted == [("upgrade", "ok", 0.5)]


def test_broken_log_is_continued_where_it_broke(ledger: Ledger, job: Job) -> None:
    def broken() -> Iterator[str]:
        yield stage("started", 1.0)
        raise ConnectionError

    job_log = reader(ledger, job)
    with pytest.raises(ConnectionError):
        job_log.read(broken())
    job_log.read([stage("started", 1.0), stage("done", 2.0)])
    assert [kind for kind, *_ in recorded(ledger, job)] == ["started", "done"]


def test_closed_log_and_superseded_job_record_nothing(ledger: Ledger, job: Job) -> None:
    closed = reader(ledger, job)
    closed.close()
    closed.read([stage("started", 1.0)])
    assert recorded(ledger, job) == []
    SampleOrders(ledger).delete(job)
    with pytest.raises(Superseded):
        reader(ledger, job).read([stage("started", 1.0)])
    assert [kind for kind, *_ in recorded(ledger, job)] == [EventKind.SUPERSEDED]
