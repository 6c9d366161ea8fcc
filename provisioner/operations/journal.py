"""JobJournal: writes what a job did into the ledger, and what it means for the store, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from provisioner.domain.backup import Backup
from provisioner.domain.errors import Problem
from provisioner.domain.job import EventKind, Job, JobEvent, JobPhase, JobStatus, find_event
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxKind
from provisioner.operations.registry import OPERATIONS


class JobJournal:
    """The ledger as a job's process sees it (see JobLedger in toolbox.py), and the ends that its operation defines."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def clock(self) -> Callable[[], float]:
        return self._ledger.clock

    def store(self, store_id: str) -> Store | None:
        return self._ledger.stores.get(store_id)

    def events(self, job_id: str) -> list[JobEvent]:
        return self._ledger.jobs.events(job_id)

    def require_live(self, job: Job) -> None:
        """Raises Superseded if the job ended, or was cancelled since `job` was read."""
        self._ledger.jobs.require_live(job)

    def record(self, job: Job, kind: EventKind, stage: str = "", detail: str = "", *, at: float | None = None) -> None:
        """Raises Superseded."""
        self._ledger.jobs.record(job, kind, stage, detail, at=at)

    def set_version(self, store_id: str, version: str) -> None:
        self._ledger.stores.set_version(store_id, version)

    def set_options(self, store_id: str, options: dict[str, str]) -> None:
        self._ledger.stores.set_options(store_id, options)

    def add_backup(self, job: Job, backup: Backup) -> None:
        with self._ledger.transaction():
            self._ledger.store_backups.add(backup)
            self._refresh_home(job)

    def note_proven(self, job: Job, backup_id: str, *, at: float | None = None) -> None:
        with self._ledger.transaction():
            self._ledger.store_backups.note_proven(backup_id, at or self._ledger.clock())
            self._refresh_home(job)

    def _refresh_home(self, job: Job) -> None:
        if store := self._ledger.stores.get(job.store_id):
            self._ledger.homes.refresh(store.owner)

    def keep_until(self, store_id: str, until: float | None) -> None:
        self._ledger.stores.keep_until(store_id, until)

    def start_rollback(self, job: Job, problem: Problem, *, at: float | None = None) -> Job:
        """The job in the phase ROLLBACK. Raises Superseded."""
        self._ledger.jobs.start_rollback(job, problem, at=at)
        return self._ledger.jobs.get(job.id) or replace(job, phase=JobPhase.ROLLBACK, problem=problem)

    def succeed(
        self, job: Job, version: str = "", options: Mapping[str, str] | None = None, *, at: float | None = None
    ) -> None:
        """The job did its work; `version` is the chart version that the store runs now, `options` are its new ones.

        Raises Superseded."""
        status = OPERATIONS[job.kind].status_when_succeeded
        with self._ledger.transaction():
            if version:
                self._ledger.stores.set_version(job.store_id, version)
            if options is not None:
                self._ledger.stores.set_options(job.store_id, options)
            if status:
                self._ledger.set_store_status(job.store_id, status, by=job.requested_by, at=at)
            self._ledger.jobs.finish(job, JobStatus.SUCCEEDED, detail=version, at=at)
            if job.quiet and status:  # it has no message of its own: the newest other one shows the new status
                self._ledger.refresh_messages(job.store_id)

    def cancel(self, job: Job, by: str, delivery_key: str) -> Job:
        """Cancel a live job. One that has not started ends at once; another one takes back what it did first.

        Returns the job as it is then. Raises Superseded."""
        with self._ledger.transaction():
            cancelled = self._ledger.jobs.cancel(job, by, delivery_key)
            if OPERATIONS[job.kind].status_when_cancelled == StoreStatus.DELETED:
                self._ledger.set_store_status(job.store_id, StoreStatus.DELETING, by=by)
            if not job.attempts:
                self.end_cancelled(cancelled)
            return self._ledger.jobs.get(job.id) or cancelled

    def end_cancelled(self, job: Job, *, at: float | None = None) -> None:
        """A cancelled job took back what it did. Raises Superseded."""
        status = OPERATIONS[job.kind].status_when_cancelled
        with self._ledger.transaction():
            if status:
                self._ledger.set_store_status(job.store_id, status, by=job.cancelled_by, at=at)
            self._ledger.jobs.finish(job, JobStatus.CANCELLED, at=at)

    def fail(self, job: Job, problem: Problem, *, store_unchanged: bool = False, store_serves: bool = False) -> None:
        """The job can't be done. The failure channel gets a message, and so does the origin of a quiet job.

        A store that the job did not change yet, or that is `store_unchanged`, keeps its status. One that still
        `store_serves` shoppers is ready. Raises Superseded."""
        status = StoreStatus.READY if store_serves else OPERATIONS[job.kind].status_when_failed
        with self._ledger.transaction():
            self._ledger.jobs.require_live(job)
            if self.breaks_store(job, store_unchanged=store_unchanged) and status:
                self._ledger.set_store_status(job.store_id, status, by=job.requested_by)
            self._ledger.jobs.finish(job, JobStatus.FAILED, problem=problem, detail=problem.what)
            first = self._ledger.jobs.first_of_the_night(job) if job.quiet and not job.origin else None
            if first and first.id != job.id:  # many may fail for one reason
                self._ledger.outbox.put(OutboxKind.NIGHT, first.id)
            else:
                self._ledger.outbox.put(OutboxKind.FAILURE, job.id)
            if job.quiet:  # nothing else of it is posted
                self._ledger.outbox.put(OutboxKind.SUMMARY, job.id)

    def breaks_store(self, job: Job, *, store_unchanged: bool) -> bool:
        """Whether the end of a failed job is to change its store's status."""
        return bool(OPERATIONS[job.kind].status_when_failed and not store_unchanged and self.changed_store(job))

    def needs_rollback(self, job: Job, *, store_unchanged: bool) -> bool:
        """Whether a failed job has to restore the store before it ends."""
        if not OPERATIONS[job.kind].rolls_back or store_unchanged or job.cancelled_by:
            return False
        now = self._ledger.jobs.get(job.id) or job
        return now.phase == JobPhase.FORWARD and self.changed_store(job)

    def changed_store(self, job: Job) -> bool:
        """Whether the job reached the stage that first changes its store."""
        stage = OPERATIONS[job.kind].changes_store_at
        return stage is None or find_event(self.events(job.id), EventKind.STARTED, stage) is not None
