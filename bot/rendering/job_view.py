"""StoreView and JobView: snapshots of a store and of a job, with everything that their messages show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from provisioner.domain.catalog import Catalog
from provisioner.domain.idleness import Idleness
from provisioner.domain.job import ROLLBACK_STAGE, EventKind, Job, JobEvent, JobStatus, find_event
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.store_backups import BackupTimes
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.spec import Operation


@dataclass(frozen=True)
class StoreView:
    """A store and its newest job (None for a store adopted from the cluster).

    `label` is its type's, `choices` are the labels of its options; `newer_version` is the chart's version if the store
    runs another one, or ''. `settable`: its type has settings. `may_reset`: its type describes how its admin's password
    is reset. `backups` has the times of its newest backup and of the last proof, where they are shown; `idleness` says
    in its status after how long without a shopper it sleeps. `reinstalled` says in its menu whether its chart was
    installed more than once."""

    store: Store
    last_job: Job | None
    label: str
    choices: tuple[str, ...] = ()
    newer_version: str = ""
    settable: bool = False
    backups: BackupTimes | None = None
    idleness: Idleness | None = None
    reinstalled: bool = False
    may_reset: bool = False

    @property
    def ready(self) -> bool:
        return self.store.status == StoreStatus.READY

    @property
    def asleep(self) -> bool:
        return self.store.status == StoreStatus.ASLEEP

    @property
    def busy(self) -> bool:
        """A job is queued or running."""
        return bool(self.last_job and self.last_job.live)


class Headline(StrEnum):
    """What a job's root message says. Each verb's template has a macro for each."""

    WORKING = "working"
    CANCELLING = "cancelling"  # a person cancelled it, and it takes back what it did
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"  # a later order replaced it
    CANCELLED = "cancelled"  # a person cancelled it
    RETRIED = "retried"  # it failed, and a later job followed
    OUTDATED = "outdated"  # it succeeded, and a later job followed


class TaskStatus(StrEnum):
    """The status of a task card (Slack's `task_card` block)."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    ERROR = "error"


@dataclass(frozen=True)
class Task:
    """One stage of a job; `seconds` once it is complete."""

    stage: str
    title: str
    status: TaskStatus
    seconds: float | None


@dataclass(frozen=True)
class JobView:
    """A job, its events in order, and its store.

    `later` is the store's next job. A message says only what that one did, and never changes again once it has ended:
    otherwise each job would edit all messages of the store's whole life."""

    job: Job
    events: tuple[JobEvent, ...]
    of: StoreView
    later: Job | None = None

    @property
    def store(self) -> Store:
        return self.of.store

    @property
    def operation(self) -> Operation:
        return OPERATIONS[self.job.kind]

    @property
    def next(self) -> Job:
        """The store's next job, or this one if there is none."""
        return self.later or self.job

    @property
    def current(self) -> bool:
        """Whether this is the store's newest job: the buttons in its message are valid."""
        return not self.later

    @property
    def headline(self) -> Headline:
        if self.job.live:
            return Headline.CANCELLING if self.job.cancelled_by else Headline.WORKING
        if self.job.status == JobStatus.FAILED:
            return Headline.FAILED if self.current else Headline.RETRIED
        if self.job.status == JobStatus.SUPERSEDED:
            return Headline.SUPERSEDED
        if self.job.status == JobStatus.CANCELLED:
            return Headline.CANCELLED
        return Headline.SUCCEEDED if self.current else Headline.OUTDATED

    @property
    def version(self) -> str:
        """The chart version with which the job succeeded, or ''."""
        return next((event.detail for event in self.events if event.kind == EventKind.SUCCEEDED), "")

    @property
    def results(self) -> list[str]:
        """What the stages found or did that people should know, such as hand edits that were set back."""
        found = [event.detail for event in self.events if event.kind == EventKind.DONE]
        return list(dict.fromkeys(filter(None, found)))  # two stages may have met the same

    @property
    def rolled_back(self) -> bool:
        """Whether the store runs its former version again."""
        return find_event(self.events, EventKind.DONE, ROLLBACK_STAGE) is not None

    @property
    def rollback_failed(self) -> bool:
        """Whether nobody knows which version the store runs."""
        began = find_event(self.events, EventKind.STARTED, ROLLBACK_STAGE)
        return began is not None and not self.rolled_back and not self.job.live

    @property
    def seconds(self) -> float:
        """From the order to the end."""
        return (self.job.finished_at or self.job.created_at) - self.job.created_at

    @property
    def tasks(self) -> list[Task]:
        """The job's stages in order. A stage that was skipped (not every store has a database) is left out."""
        done = {event.stage: event.seconds for event in self.events if event.kind == EventKind.DONE}
        started = [event.stage for event in self.events if event.kind == EventKind.STARTED]
        stages = [stage for stage in self.operation.stages if stage.name in started or not stage.exceptional]
        reached = max((number for number, stage in enumerate(stages) if stage.name in started), default=0)
        return [
            Task(stage.name, stage.title, self._status(stage.name, started, done), done.get(stage.name))
            for number, stage in enumerate(stages)
            if stage.name in started or number >= reached
        ]

    def _status(self, stage: str, started: list[str], done: dict[str, float | None]) -> TaskStatus:
        if stage in done:
            return TaskStatus.COMPLETE
        if stage not in started:
            return TaskStatus.PENDING
        if stage != started[-1]:
            return TaskStatus.PENDING if self.job.cancelled_by else TaskStatus.ERROR
        pending = dict.fromkeys((JobStatus.SUPERSEDED, JobStatus.CANCELLED), TaskStatus.PENDING)
        ended = {JobStatus.FAILED: TaskStatus.ERROR, **pending}
        return ended.get(self.job.status, TaskStatus.IN_PROGRESS)

    @property
    def setback(self) -> str:
        """Why the work waits, or ''."""
        waiting = (EventKind.RETRYING, EventKind.WAITING)
        going_on = (EventKind.STARTED, EventKind.DONE, EventKind.CANCELLING)
        progress = [e for e in self.events if e.kind in (*waiting, *going_on)]
        return progress[-1].detail if self.job.live and progress and progress[-1].kind in waiting else ""


def read_job_view(ledger: Ledger, catalog: Catalog, job_id: str) -> JobView | None:
    """The view of a job; None if the ledger does not have it."""
    job = ledger.jobs.get(job_id)
    store = ledger.stores.get(job.store_id) if job else None
    if not job or not store:
        return None
    later = ledger.jobs.next_after(job)
    return JobView(job, tuple(ledger.jobs.events(job.id)), store_view(catalog, store, later or job), later)


def store_view(catalog: Catalog, store: Store, last_job: Job | None) -> StoreView:
    """The view of a store. If its chart is gone, bare names and values replace the labels."""
    store_type = catalog.types.get(store.type)
    labels = {option.id: option.choices for option in store_type.options if option.choices} if store_type else {}
    return StoreView(
        store=store,
        last_job=last_job,
        label=store_type.label if store_type else store.type,
        choices=tuple(labels.get(option, {}).get(value, value) for option, value in store.options.items() if value),
        settable=bool(store_type and store_type.settable),
        may_reset=bool(store_type and store_type.reset),
        newer_version=store_type.version if store_type and store.version not in ("", store_type.version) else "",
    )
