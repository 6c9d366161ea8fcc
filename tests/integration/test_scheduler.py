"""The scheduler on a real ledger, against an unreachable cluster: attempts, deadlines and health."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.domain.errors import JobFailed, Problem
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.operations.create import CREATE
from provisioner.operations.toolbox import ROLLBACK_SECONDS, StoreDefaults, Toolbox
from provisioner.runner.retry import LONGEST_PAUSE_SECONDS, pause_seconds
from provisioner.runner.scheduler import WEDGED_AFTER_SECONDS
from tests.operations import registered
from tests.schedulers import SampleScheduler, sample_scheduler
from tests.waiting import until_job


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[SampleScheduler]:
    with sample_scheduler(tmp_path) as made:
        yield made


def test_pauses_grow_are_bounded_and_differ_between_jobs() -> None:
    medians = [statistics.median(pause_seconds(attempt) for _ in range(200)) for attempt in range(1, 6)]
    assert medians == sorted(medians)
    assert all(pause_seconds(attempt) <= LONGEST_PAUSE_SECONDS for attempt in range(1, 50))
    assert len({pause_seconds(3) for _ in range(20)}) > 10


def test_job_is_retried_while_the_cluster_is_unreachable(sample: SampleScheduler) -> None:
    with sample.running():
        job = until_job(sample.ledger, sample.orders.create(), lambda found: found.attempts >= 2)
        retrying = [e.detail for e in sample.ledger.jobs.events(job.id) if e.kind == EventKind.RETRYING]
    assert "The Kubernetes API can't be reached." in retrying[0]
    assert "Trying again in" in retrying[0]
    assert job.live


def test_deadline_ends_the_attempts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.runner.scheduler.pause_seconds", lambda attempt: 0.2)
    with sample_scheduler(tmp_path, deadlines={CREATE.kind: 1}) as sample:
        job = sample.ended(sample.orders.create())
    assert job.status == JobStatus.FAILED
    assert job.problem is not None
    assert job.attempts > 2
    assert f"({job.attempts} attempts)" in job.problem.what


def test_no_attempt_starts_after_the_deadline(tmp_path: Path) -> None:
    with sample_scheduler(tmp_path, deadlines={CREATE.kind: 0.5}) as sample:
        job = sample.ended(sample.orders.create())
    assert (job.status, job.attempts) == (JobStatus.FAILED, 1)


def test_permanent_failure_is_not_retried(sample: SampleScheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise JobFailed("The chart is broken.", "A typo.", "Fix it.")

    registered(monkeypatch, replace(CREATE, run=refuse))
    job = sample.ended(sample.orders.create())
    assert (job.status, job.attempts) == (JobStatus.FAILED, 1)
    assert job.problem == Problem("The chart is broken.", "A typo.", "Fix it.")


def test_unexpected_error_is_reported_without_its_text(
    sample: SampleScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("inside")

    registered(monkeypatch, replace(CREATE, run=break_down))
    job = sample.ended(sample.orders.create())
    assert job.status == JobStatus.FAILED
    assert job.id in str(job.problem)
    assert "inside" not in str(job.problem)


def test_retry_after_an_unexpected_error_succeeds(sample: SampleScheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down_at_first(tools: Toolbox, job: Job) -> None:
        if not job.retry_of:
            raise RuntimeError("inside")
        tools.ledger.succeed(job)

    registered(monkeypatch, replace(CREATE, run=break_down_at_first))
    with sample.running():
        failed = until_job(sample.ledger, sample.orders.create(), lambda found: not found.live)
        assert "Retry, or report it." in str(failed.problem)
        retried = until_job(sample.ledger, sample.orders.retry(failed), lambda found: not found.live)
    assert retried.status == JobStatus.SUCCEEDED


def test_long_rollbacks_are_no_trouble_but_wedged_workers_are(sample: SampleScheduler) -> None:
    with sample.running() as scheduler:
        job: Job = sample.orders.create()
        longest = ROLLBACK_SECONDS + 120  # with the last call of helm
        busy = replace(job, deadline_at=time.time() - longest)
        scheduler._busy = {str(number): busy for number in range(sample.executor.at_once)}
        assert scheduler.trouble() == ""
        assert scheduler.workers() == (sample.executor.at_once, sample.executor.at_once)
        wedged = replace(job, deadline_at=time.time() - StoreDefaults().grace_seconds - WEDGED_AFTER_SECONDS - 1)
        scheduler._busy = dict.fromkeys(scheduler._busy, wedged)
        assert "workers are held" in scheduler.trouble()
        scheduler._busy = {}
