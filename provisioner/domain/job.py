"""Job, its kinds and statuses; the stages a job goes through; JobEvent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from provisioner.domain.errors import Problem

LONGEST_PAUSE = 60.0  # seconds between two attempts
GRACE = 600.0  # seconds past a job's deadline, in which a failed upgrade is put back


class JobKind(StrEnum):
    CREATE = "create"
    UPGRADE = "upgrade"
    DELETE = "delete"


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"  # a delete took its place


LIVE = (JobStatus.QUEUED, JobStatus.RUNNING)

STAGES: dict[JobKind, tuple[str, ...]] = {
    JobKind.CREATE: ("namespace", "secrets", "release", "database", "application", "storefront", "check"),
    JobKind.UPGRADE: ("namespace", "secrets", "release", "database", "application", "storefront", "check"),
    JobKind.DELETE: ("namespace", "volumes"),
}
RELEASE = "release"  # the stage before which an upgrade has changed nothing
ROLLBACK = "rollback"  # the stage in which a failed upgrade is undone; its beginning has the Problem as `detail` (JSON)


@dataclass(frozen=True)
class Job:
    """One piece of work on one store. Times are epoch seconds. `origin` is opaque to the provisioner. `allowed` is how
    many seconds the work may take; they count from `started_at`, anew in each process, so a bot that was away costs
    no job its time."""

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

    @property
    def live(self) -> bool:
        return self.status in LIVE


class EventKind(StrEnum):
    QUEUED = "queued"
    STARTED = "started"  # a stage began
    DONE = "done"  # a stage ended well; `seconds` is its duration
    RETRYING = "retrying"  # an attempt failed for a passing reason; `detail` says which and when the next begins
    SUCCEEDED = "succeeded"  # the job; `seconds` from the request to here, `detail` the chart's version if it has one
    FAILED = "failed"  # the job; the job's `problem` says why
    SUPERSEDED = "superseded"


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


def find(events: Iterable[JobEvent], kind: EventKind, stage: str) -> JobEvent | None:
    """The first of that kind and stage."""
    return next((event for event in events if (event.kind, event.stage) == (kind, stage)), None)


def surprise(job: Job) -> Problem:
    """What a person is told of an error that nobody thought of."""
    cause = f"The bot's log has it under job {job.id}."
    return Problem("Something unexpected went wrong.", cause, "Retry, or report it.")
