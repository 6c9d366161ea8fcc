"""Job, its status and phase, and JobEvent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from provisioner.domain.errors import Problem

JobKind = NewType("JobKind", str)
"""The name of a job's operation, such as "create"; `operations/registry.py` has them all."""


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"  # a later order replaced it
    CANCELLED = "cancelled"  # a person cancelled it, and nothing of it is left


LIVE = (JobStatus.QUEUED, JobStatus.RUNNING)


class JobPhase(StrEnum):
    FORWARD = "forward"
    ROLLBACK = "rollback"  # the job failed and restores what it changed; its `problem` says why


@dataclass(frozen=True)
class Job:
    """One run of an operation on one store. Times are epoch seconds. `origin` is opaque to the provisioner.

    `allowed` is the number of seconds the work may take. They count from `started_at`, again in each process, so
    that a bot that was away costs no job its time. `interruptions` counts the processes that ended without a word
    while they ran the job. `arguments` are what else the order says, by name.
    Nothing in Slack shows a `quiet` job unless it fails.
    `cancelled_by` is who cancelled it, '' for nobody; `cancel_key` is the delivery key of that request. Each attempt
    from then on takes back what the earlier ones did."""

    id: str
    kind: JobKind
    store_id: str
    store: str
    status: JobStatus
    requested_by: str
    origin: str
    delivery_key: str
    attempts: int
    created_at: float
    due_at: float
    allowed: float
    deadline_at: float
    started_at: float | None = None
    finished_at: float | None = None
    problem: Problem | None = None
    retry_of: str | None = None
    phase: JobPhase = JobPhase.FORWARD
    interruptions: int = 0
    arguments: dict[str, str] = field(default_factory=dict)
    quiet: bool = False
    cancelled_by: str = ""
    cancel_key: str = ""

    @property
    def live(self) -> bool:
        return self.status in LIVE

    def failed_since(self, kind: JobKind, at: float) -> bool:
        """Whether it is of this kind and failed, or was cancelled, after that time (epoch seconds)."""
        ended = self.status in (JobStatus.FAILED, JobStatus.CANCELLED)
        return self.kind == kind and ended and (self.finished_at or 0.0) > at


ROLLBACK_STAGE = "rollback"  # the stage in which a job of that phase restores


class EventKind(StrEnum):
    QUEUED = "queued"
    WAITING = "waiting"  # the job can't start yet; `detail` says why
    STARTED = "started"  # a stage started
    DONE = "done"  # a stage succeeded; `seconds` is its duration
    RETRYING = "retrying"  # an attempt failed for a passing reason; `detail` says why and when the next one starts
    SUCCEEDED = "succeeded"  # the job; `seconds` since the order, `detail` is the chart's version where there is one
    FAILED = "failed"  # the job; the job's `problem` says why
    SUPERSEDED = "superseded"
    CANCELLING = "cancelling"  # a person cancelled the job; its next attempt takes back what it did
    CANCELLED = "cancelled"  # the job; nothing of it is left
    FORGOTTEN = "expired"  # the job deleted its store, which can't be undeleted any more


@dataclass(frozen=True)
class JobEvent:
    """Something that happened to a job; `stage` is '' for events of the whole job."""

    id: int
    job_id: str
    at: float
    kind: EventKind
    stage: str = ""
    detail: str = ""
    seconds: float | None = None


def find_event(events: Iterable[JobEvent], kind: EventKind, stage: str) -> JobEvent | None:
    """The first event of that kind and stage."""
    return next((event for event in events if (event.kind, event.stage) == (kind, stage)), None)


def unexpected_problem(job: Job) -> Problem:
    """The problem of a job that failed with an error nobody planned for."""
    return Problem(
        "Something unexpected went wrong.", f"The bot's log has the details under job {job.id}.", "Retry, or report it."
    )
