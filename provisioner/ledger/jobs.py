"""Jobs and their events in the ledger.

A transition, its event and the outbox entries that announce it are one transaction, so that a crash loses nothing and
announces nothing that did not happen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from provisioner.domain.errors import Problem, Superseded
from provisioner.domain.job import LIVE, ROLLBACK_STAGE, EventKind, Job, JobEvent, JobKind, JobPhase, JobStatus
from provisioner.domain.policy import IDLE
from provisioner.domain.store import Store
from provisioner.ledger.connection import Connection
from provisioner.ledger.homes import Homes
from provisioner.ledger.lock import LedgerInUse
from provisioner.ledger.outbox import Outbox, OutboxKind
from provisioner.ledger.rows import event_of, job_of, problem_json
from provisioner.log_context import new_id

NIGHT_SECONDS = 12 * 3600.0  # in which the quiet jobs of a night end
LIVE_SQL = ", ".join(f"'{status}'" for status in LIVE)
END_EVENTS = {
    JobStatus.SUCCEEDED: EventKind.SUCCEEDED,
    JobStatus.FAILED: EventKind.FAILED,
    JobStatus.SUPERSEDED: EventKind.SUPERSEDED,
    JobStatus.CANCELLED: EventKind.CANCELLED,
}
IN_THREAD = (
    EventKind.WAITING,
    EventKind.DONE,
    EventKind.RETRYING,
    EventKind.FAILED,
    EventKind.SUPERSEDED,
    EventKind.CANCELLING,
    EventKind.FORGOTTEN,
)


@dataclass(frozen=True)
class NewJob:
    """A job to add: what an order asked for."""

    kind: JobKind
    requested_by: str
    origin: str
    delivery_key: str
    allowed: float
    arguments: dict[str, str] = field(default_factory=dict)
    quiet: bool = False
    retry_of: str | None = None


class Jobs:
    """Reads and writes the tables `jobs` and `job_events`."""

    def __init__(self, connection: Connection, outbox: Outbox, homes: Homes, *, exclusive: bool) -> None:
        """Only an `exclusive` ledger claims jobs and queues interrupted ones."""
        self._connection, self._outbox, self._homes, self._exclusive = connection, outbox, homes, exclusive

    # --- reading ----------------------------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job | None:
        """The job with this id."""
        return self._where("id = ?", job_id)

    def delivered(self, delivery_key: str) -> Job | None:
        """The job that an order with this delivery key made."""
        return self._where("delivery_key = ?", delivery_key)

    def cancelled_with(self, delivery_key: str) -> Job | None:
        """The job that a request with this delivery key cancelled."""
        return self._where("cancel_key = ? AND cancel_key != ''", delivery_key)

    def live(self, store_id: str) -> Job | None:
        """The queued or running job of a store."""
        return self._where(f"store_id = ? AND status IN ({LIVE_SQL})", store_id)

    def last(self, store_id: str) -> Job | None:
        """The newest job of a store."""
        return self._where("store_id = ? ORDER BY created_at DESC, rowid DESC LIMIT 1", store_id)

    def last_shown(self, store_id: str) -> Job | None:
        """The newest job of a store that is not quiet."""
        return self._where("store_id = ? AND NOT quiet ORDER BY created_at DESC, rowid DESC LIMIT 1", store_id)

    def newest_for(self, job: Job) -> Job | None:
        """The newest job of the job's store. A quiet one counts only where `job` is quiet too."""
        return self.last(job.store_id) if job.quiet else self.last_shown(job.store_id)

    def next_after(self, job: Job) -> Job | None:
        """The next job of the job's store. A quiet one counts only where `job` is quiet too."""
        later = "(created_at, rowid) > (SELECT created_at, rowid FROM jobs WHERE id = ?)"
        counted = "" if job.quiet else "AND NOT quiet"
        return self._where(
            f"store_id = ? AND {later} {counted} ORDER BY created_at, rowid LIMIT 1", job.store_id, job.id
        )

    def last_stir(self, store_id: str, *, but_by: Collection[str]) -> float:
        """When the last job of a store ended, or was ordered (epoch seconds); 0.0 for none.

        Jobs that these ids ordered do not count."""
        marks = ", ".join("?" * len(but_by))
        query = f"""SELECT max(coalesce(finished_at, created_at)) FROM jobs
                    WHERE store_id = ? AND requested_by NOT IN ({marks})"""
        return float(self._connection.db.execute(query, (store_id, *but_by)).fetchone()[0] or 0.0)

    def quiet_at_work(self) -> int:
        """The number of quiet jobs that are queued or running."""
        query = f"SELECT count(*) FROM jobs WHERE quiet AND status IN ({LIVE_SQL})"
        return int(self._connection.db.execute(query).fetchone()[0])

    def failed_in_the_night_of(self, job_id: str) -> list[Job]:
        """The quiet jobs of this one's kind that nobody ordered and that failed with it in one night, in their order.

        A night is NIGHT_SECONDS, from the first one that failed."""
        query = """SELECT j.* FROM jobs j, jobs first WHERE first.id = ? AND j.kind = first.kind AND j.quiet
                   AND j.origin = '' AND j.status = 'failed'
                   AND j.finished_at BETWEEN first.finished_at AND first.finished_at + ?
                   ORDER BY j.finished_at, j.rowid"""
        return [job_of(row) for row in self._connection.db.query(query, [job_id, NIGHT_SECONDS])]

    def first_of_the_night(self, job: Job) -> Job | None:
        """The job with which the failures of this failed job's night began: itself if there is none before."""
        query = """quiet AND origin = '' AND kind = ? AND status = 'failed' AND finished_at > ?
                   ORDER BY finished_at, rowid LIMIT 1"""
        return self._where(query, job.kind, self._connection.clock() - NIGHT_SECONDS)

    def of_kind(self, kind: JobKind) -> list[Job]:
        """All jobs of a kind, oldest first."""
        rows = self._connection.db.query("SELECT * FROM jobs WHERE kind = ? ORDER BY created_at", [kind])
        return [job_of(row) for row in rows]

    def reinstalled(self, store_id: str) -> bool:
        """Whether more than one job has installed a version of the store's chart."""
        query = """SELECT count(*) > 1 FROM jobs j JOIN job_events e ON e.job_id = j.id
                   WHERE j.store_id = ? AND e.kind = 'succeeded' AND e.detail != ''"""
        return bool(self._connection.db.execute(query, (store_id,)).fetchone()[0])

    def events(self, job_id: str, after: int = 0) -> list[JobEvent]:
        """The job's events in order, starting after the event id `after`."""
        query = "SELECT * FROM job_events WHERE job_id = ? AND id > ? ORDER BY id"
        return [event_of(row) for row in self._connection.db.query(query, [job_id, after])]

    def require_live(self, job: Job) -> None:
        """Raises Superseded if the job ended, or was cancelled since `job` was read."""
        self._require_live(job, "cancelled_by = ?", job.cancelled_by)

    def _require_live(self, job: Job, condition: str = "1", *values: str) -> None:
        query = f"SELECT 1 FROM jobs WHERE id = ? AND status IN ({LIVE_SQL}) AND {condition}"
        if not self._connection.db.execute(query, (job.id, *values)).fetchone():
            raise Superseded(job.id)

    # --- the queue --------------------------------------------------------------------------------------------------

    def add(self, store: Store, new: NewJob) -> Job:
        """Queue a job. Sends the signal `job_queued`."""
        now = self._connection.clock()
        job = Job(
            id=new_id(),
            kind=new.kind,
            store_id=store.id,
            store=store.name,
            status=JobStatus.QUEUED,
            requested_by=new.requested_by,
            origin=new.origin,
            delivery_key=new.delivery_key,
            attempts=0,
            created_at=now,
            due_at=now,
            allowed=new.allowed,
            deadline_at=now + new.allowed,
            retry_of=new.retry_of,
            arguments=new.arguments,
            quiet=new.quiet,
        )
        with self._connection.transaction() as db:
            db.table("jobs").insert(job.__dict__)
            self._insert_event(job, EventKind.QUEUED)
            self._refresh_messages_of_others(job)
            self._connection.send_after_commit(self._connection.signals.job_queued)
        return job

    def claim(self, busy_stores: Sequence[str] = ()) -> Job | None:
        """Set the oldest due job of a store that is not in `busy_stores` running, and return it.

        Raises LedgerInUse if the ledger is shared."""
        self._require_exclusive()
        marks, now = ", ".join("?" * len(busy_stores)), self._connection.clock()
        due = f"SELECT id FROM jobs WHERE status = 'queued' AND due_at <= ? AND store NOT IN ({marks})"
        if not self._connection.db.execute(f"{due} LIMIT 1", (now, *busy_stores)).fetchone():
            return None  # without a write transaction, which would cost every tick a lock
        with self._connection.transaction() as db:
            row = db.execute(
                f"""UPDATE jobs SET status = 'running', attempts = attempts + 1, started_at = coalesce(started_at, ?),
                        deadline_at = coalesce(started_at, ?) + allowed
                    WHERE id = ({due} ORDER BY due_at LIMIT 1) RETURNING id""",
                (now, now, now, *busy_stores),
            ).fetchone()
            return self.get(row[0]) if row else None

    def note_waiting(self, problem: Problem) -> list[Job]:
        """Record for each due job why it can't start, unless that is its last event already; returns those jobs."""
        query = """SELECT * FROM jobs WHERE status = 'queued' AND due_at <= ? AND 'waiting' !=
                   (SELECT kind FROM job_events e WHERE e.job_id = jobs.id ORDER BY id DESC LIMIT 1)"""
        waiting = [job_of(row) for row in self._connection.db.query(query, [self._connection.clock()])]
        if waiting:
            with self._connection.transaction():
                for job in waiting:
                    self._insert_event(job, EventKind.WAITING, detail=str(problem))
        return waiting

    def retry_later(self, job: Job, problem: Problem, due_at: float) -> None:
        """Queue a running job again for `due_at` after a passing failure. Raises Superseded."""
        with self._connection.transaction() as db:
            self.require_live(job)
            db.table("jobs").update(job.id, {"status": JobStatus.QUEUED, "due_at": due_at})
            seconds = max(1, round(due_at - self._connection.clock()))
            self._insert_event(job, EventKind.RETRYING, detail=f"{problem} Trying again in {seconds} s.")

    def hand_over(self, job: Job) -> None:
        """Queue a running job again, because this process stops. Its time starts again in the next process."""
        query = "UPDATE jobs SET status = 'queued', due_at = ?, started_at = NULL WHERE id = ? AND status = 'running'"
        with self._connection.transaction() as db:
            db.execute(query, (self._connection.clock(), job.id))
            self._connection.send_after_commit(self._connection.signals.job_queued)

    def requeue_interrupted(self, at_work: Iterable[str] = ()) -> list[Job]:
        """Queue again the jobs that are running in the ledger and not among the ids `at_work`, and return them.

        Their process ended without a word: each counts an interruption.

        Raises LedgerInUse if the ledger is shared."""
        self._require_exclusive()
        at_work = list(at_work)
        interrupted = f"status = 'running' AND id NOT IN ({', '.join('?' * len(at_work))})"
        if not self._connection.db.execute(f"SELECT 1 FROM jobs WHERE {interrupted} LIMIT 1", at_work).fetchone():
            return []  # without a write transaction, which would cost every tick a lock
        with self._connection.transaction() as db:
            query = f"""UPDATE jobs SET status = 'queued', due_at = ?, started_at = NULL,
                            interruptions = interruptions + 1
                        WHERE {interrupted} RETURNING id"""
            ids = [row[0] for row in db.execute(query, (self._connection.clock(), *at_work)).fetchall()]
            return [job for job in map(self.get, ids) if job]

    def _require_exclusive(self) -> None:
        if not self._exclusive:
            raise LedgerInUse(
                f"The ledger {self._connection.path} is open for shared use: no job is claimed here.",
                "Another process may run its jobs.",
                "Open it for exclusive use.",
            )

    # --- what a job's process reports ---------------------------------------------------------------------------------

    def record(self, job: Job, kind: EventKind, stage: str = "", detail: str = "", *, at: float | None = None) -> None:
        """Add an event of a live job, of now or of the time `at`. A stage's start and end are kept once.

        What was done before the job was cancelled counts, too. Raises Superseded."""
        with self._connection.transaction():
            self._require_live(job)
            self._insert_event(job, kind, stage, detail, at)

    def start_rollback(self, job: Job, problem: Problem, *, at: float | None = None) -> None:
        """Turn a live job to the phase ROLLBACK, because of `problem`. Its time starts again.

        Raises Superseded."""
        with self._connection.transaction() as db:
            self.require_live(job)
            if not self._insert_event(job, EventKind.STARTED, ROLLBACK_STAGE, at=at):
                return
            now = self.time_of(at)
            query = "UPDATE jobs SET phase = ?, problem = ?, started_at = ?, deadline_at = ? + allowed WHERE id = ?"
            db.execute(query, (JobPhase.ROLLBACK, problem_json(problem), now, now, job.id))

    def cancel(self, job: Job, by: str, delivery_key: str) -> Job:
        """Let the job's attempt stop at its next step, and queue another one, which takes back what the job did.

        The time of the job starts again, and so do its interruptions. Sends the signal `job_queued`; returns the job.
        Raises Superseded."""
        now = self._connection.clock()
        with self._connection.transaction() as db:
            self.require_live(job)
            changes = {"cancelled_by": by, "cancel_key": delivery_key, "status": JobStatus.QUEUED, "due_at": now}
            time = {"started_at": now, "deadline_at": now + job.allowed, "interruptions": 0}
            db.table("jobs").update(job.id, changes | time)
            self._insert_event(job, EventKind.CANCELLING)
            self._connection.send_after_commit(self._connection.signals.job_queued)
            return self.get(job.id) or job

    def requeue(self, job: Job) -> None:
        """Queue a running job again at once. Sends the signal `job_queued`. Raises Superseded."""
        with self._connection.transaction() as db:
            self.require_live(job)
            db.table("jobs").update(job.id, {"status": JobStatus.QUEUED, "due_at": self._connection.clock()})
            self._connection.send_after_commit(self._connection.signals.job_queued)

    def finish(
        self,
        job: Job,
        status: JobStatus,
        *,
        problem: Problem | None = None,
        detail: str = "",
        at: float | None = None,
    ) -> None:
        """End a live job, now or at the time `at`. Raises Superseded."""
        with self._connection.transaction() as db:
            query = f"""UPDATE jobs SET status = ?, finished_at = ?, problem = ?
                        WHERE id = ? AND status IN ({LIVE_SQL})"""
            changes = (status, self.time_of(at), problem_json(problem), job.id)
            if not db.execute(query, changes).rowcount:
                raise Superseded(job.id)
            self._insert_event(job, END_EVENTS[status], detail=detail, at=at)
            self._outbox.refresh(OutboxKind.SLEEP, job.id)
            self._refresh_messages_of_others(job)

    def note_forgotten(self, job: Job) -> None:
        """Record of a job that deleted its store that this can't be undone any more."""
        with self._connection.transaction():
            self._insert_event(job, EventKind.FORGOTTEN)

    def time_of(self, at: float | None) -> float:
        """A time reported by a clock that may be ahead of ours; now for None."""
        now = self._connection.clock()
        return now if at is None else min(at, now)

    def _insert_event(
        self, job: Job, kind: EventKind, stage: str = "", detail: str = "", at: float | None = None
    ) -> bool:
        """False if the event is there already."""
        now = self.time_of(at)
        row = self._connection.db.execute(
            """INSERT INTO job_events (job_id, at, kind, stage, detail, seconds) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT DO NOTHING RETURNING id""",
            (job.id, now, kind, stage, detail, self._duration(job, kind, stage, now)),
        ).fetchone()
        if row and (not job.quiet or kind is EventKind.FAILED):
            self._homes.refresh(self._owner_of(job))
        if row and not job.quiet:
            self._outbox.put(OutboxKind.SUMMARY, job.id)
            if kind in IN_THREAD:
                self._outbox.put(OutboxKind.STAGES, job.id)
        return row is not None

    def _owner_of(self, job: Job) -> str:
        query = "SELECT owner FROM stores WHERE id = ?"
        return str(self._connection.db.execute(query, (job.store_id,)).fetchone()[0])

    def _duration(self, job: Job, kind: EventKind, stage: str, now: float) -> float | None:
        """Seconds of a stage at its end, and of a job since its order at the job's end."""
        if kind in (EventKind.SUCCEEDED, EventKind.FAILED):
            return now - job.created_at
        if kind != EventKind.DONE:
            return None
        query = "SELECT at FROM job_events WHERE job_id = ? AND stage = ? AND kind = 'started'"
        row = self._connection.db.execute(query, (job.id, stage)).fetchone()
        return now - row[0] if row else None

    def _refresh_messages_of_others(self, job: Job) -> None:
        """The messages of the job before show buttons that are out of date now, and so do those of quiet ones since.

        Earlier messages say what came next, and that is over."""
        before = "(created_at, rowid) < (SELECT created_at, rowid FROM jobs WHERE id = :id)"
        shown = f"SELECT created_at FROM jobs WHERE store_id = :store AND NOT quiet AND {before}"
        query = f"""SELECT id FROM jobs WHERE store_id = :store AND {before}
                    AND (NOT quiet OR status = 'failed' OR requested_by = '{IDLE}')
                    AND created_at >= coalesce(({shown} ORDER BY created_at DESC, rowid DESC LIMIT 1), 0)"""
        for (job_id,) in self._connection.db.execute(query, {"store": job.store_id, "id": job.id}).fetchall():
            self._outbox.refresh(OutboxKind.SUMMARY, job_id)
            self._outbox.refresh(OutboxKind.FAILURE, job_id)
            self._outbox.refresh(OutboxKind.SLEEP, job_id)

    def _where(self, where: str, *args: object) -> Job | None:
        return next(map(job_of, self._connection.db.query(f"SELECT * FROM jobs WHERE {where}", args)), None)
