"""All that a job's messages depend on, read from the ledger at one moment; `messages.py` only has to say it."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.domain.catalog import Catalog
from provisioner.domain.job import ROLLBACK, STAGES, EventKind, Job, JobEvent, JobKind, JobStatus
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.ledger import Ledger


@dataclass(frozen=True)
class Task:
    """One stage of a job: `status` is Slack's pending, in_progress, complete or error; `seconds` once complete."""

    stage: str
    status: str
    seconds: float | None


@dataclass(frozen=True)
class JobView:
    """A job, its store, its events in order, the store's newest job, the type's label and what was chosen of it;
    `newer` is the version of the chart where it is another than the store's, or ''."""

    job: Job
    store: Store
    newest: Job
    events: tuple[JobEvent, ...]
    label: str
    chosen: tuple[str, ...] = ()
    newer: str = ""

    @property
    def current(self) -> bool:
        """No later job took over: what this message offers is still true."""
        return self.newest.id == self.job.id

    @property
    def phase(self) -> str:
        """working, ready, failed, superseded, retried (failed, then a later job), or what became of a ready store:
        leaving, gone, later (upgraded since), past (its deletion failed)."""
        if self.job.live:
            return "working"
        if self.job.status == JobStatus.FAILED:
            return "failed" if self.current else "retried"
        if self.job.status == JobStatus.SUPERSEDED:
            return "superseded"
        if self.current:
            return "ready"
        later = "later" if self.newest.kind == JobKind.UPGRADE else "past"
        return {StoreStatus.DELETING: "leaving", StoreStatus.DELETED: "gone"}.get(self.store.status, later)

    @property
    def version(self) -> str:
        """Of the chart by which the job made the store ready; '' where that is not known."""
        return next((event.detail for event in self.events if event.kind == EventKind.SUCCEEDED), "")

    @property
    def undone(self) -> bool:
        """What a failed upgrade did is undone: the former version serves."""
        return any(event.stage == ROLLBACK and event.kind == EventKind.DONE for event in self.events)

    @property
    def seconds(self) -> float:
        """From the request to the end."""
        return (self.job.finished_at or self.job.created_at) - self.job.created_at

    @property
    def tasks(self) -> list[Task]:
        """The job's stages in order, as far as its events tell; one that was passed over (not every store has a
        database) is none of them."""
        done = {event.stage: event.seconds for event in self.events if event.kind == EventKind.DONE}
        begun = [event.stage for event in self.events if event.kind == EventKind.STARTED]
        stages = (*STAGES[self.job.kind], *[ROLLBACK] * (ROLLBACK in begun))
        reached = max((stages.index(stage) for stage in begun), default=0)
        shown = [stage for number, stage in enumerate(stages) if stage in begun or number >= reached]
        return [Task(stage, self._status(stage, begun, done), done.get(stage)) for stage in shown]

    def _status(self, stage: str, begun: list[str], done: dict[str, float | None]) -> str:
        if stage in done:
            return "complete"
        if stage not in begun:
            return "pending"
        if stage != begun[-1]:
            return "error"
        return {JobStatus.FAILED: "error", JobStatus.SUPERSEDED: "pending"}.get(self.job.status, "in_progress")

    @property
    def setback(self) -> str:
        """Why the work waits for another attempt, or ''."""
        told = [e for e in self.events if e.kind in (EventKind.RETRYING, EventKind.STARTED, EventKind.DONE)]
        return told[-1].detail if self.job.live and told and told[-1].kind == EventKind.RETRYING else ""


def read_job_view(ledger: Ledger, catalog: Catalog, job_id: str) -> JobView | None:
    """None where the ledger does not know the job."""
    job = ledger.job(job_id)
    store = ledger.store_by_id(job.store_id) if job else None
    if not job or not store:
        return None
    newest = ledger.last_job(store.id) or job
    return JobView(
        job=job,
        store=store,
        newest=newest,
        events=tuple(ledger.events(job.id)),
        label=label_of(catalog, store.type),
        chosen=chosen_of(catalog, store),
        newer=newer_than(catalog, store),
    )


def label_of(catalog: Catalog, type_name: str) -> str:
    """The type's label; its bare name where its chart is gone."""
    kind = catalog.types.get(type_name)
    return kind.label if kind else type_name


def newer_than(catalog: Catalog, store: Store) -> str:
    """The version of the store's chart where it is another than the one that serves; '' where none is, or not known."""
    kind = catalog.types.get(store.type)
    return kind.version if kind and store.version not in ("", kind.version) else ""


def chosen_of(catalog: Catalog, store: Store) -> tuple[str, ...]:
    """The labels of what was chosen for a store; the bare values where its chart no longer knows them."""
    kind = catalog.types.get(store.type)
    labels = {option.id: option.choices for option in kind.options} if kind else {}
    return tuple(labels.get(option, {}).get(value, value) for option, value in store.options.items())
