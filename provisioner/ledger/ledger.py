"""SQLite by sqlite-utils: jobs, events, stores, outbox, links, audit. The one truth about work, and the only SQL.

Every transition and the event that tells of it are one transaction, together with the outbox entries that make the
event heard later; whoever announces reads the outbox, so a crash on either side loses nothing."""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from sqlite_utils import Database

from provisioner.domain.errors import (
    LimitReached,
    Problem,
    Refused,
    StoreBusy,
    StoreExists,
    StoreNotFound,
    StorewrightError,
    Superseded,
)
from provisioner.domain.job import LIVE, ROLLBACK, EventKind, Job, JobEvent, JobKind, JobStatus
from provisioner.domain.store import Addresses, Store, StoreStatus
from provisioner.ledger.backup import Backups
from provisioner.ledger.schema import migrations, schemas
from provisioner.log_context import new_id

LIVE_SQL = ", ".join(f"'{status}'" for status in LIVE)


@dataclass(frozen=True)
class Limits:
    """What one person may have, and how long a job may take (seconds)."""

    stores_per_person: int = 10
    creations_per_hour: int = 20
    create_deadline: float = 900.0
    delete_deadline: float = 300.0
    upgrade_deadline: float = 1800.0

    def seconds_for(self, kind: JobKind) -> float:
        """How long a job of this kind may take."""
        allowed = {JobKind.CREATE: self.create_deadline, JobKind.UPGRADE: self.upgrade_deadline}
        return allowed.get(kind, self.delete_deadline)


@dataclass(frozen=True)
class OutboxEntry:
    """An outbox entry: something about `subject` (a job, link or person id) that the front still has to tell.

    `summary` and `home` are projections (send what is true now, again and again, edited in place); `stages` are what
    happened since; `failure` and `notice` are told once. `revision` > `sent_revision` means due. `address`, `remote_id`
    and `content_hash` belong to the front: where it was sent, as what, and the hash of what was sent last."""

    key: str
    kind: str
    subject: str
    revision: int
    sent_revision: int
    attempts: int
    due_at: float
    address: str | None
    remote_id: str | None
    content_hash: str | None
    created_at: float


@dataclass(frozen=True)
class CredentialLink:
    """A one-time credential link; of its token only the SHA-256 is kept."""

    id: str
    token_hash: str
    store_id: str
    minted_for: str
    minted_at: float
    expires_at: float
    claimed_at: float | None = None
    revoked_at: float | None = None


@dataclass(frozen=True)
class HistogramRow:
    """Durations of one kind: how many there were `within` each of the bounds asked for, in all, and their sum."""

    labels: tuple[str, ...]
    within: tuple[int, ...]
    count: int
    seconds: float


class LedgerInUse(StorewrightError):
    """Another process has this ledger open."""


class LedgerNotUsable(StorewrightError):
    """The ledger is damaged, of another version than we are, or not there where one was expected."""


class Ledger:
    """Thread-safe; one SQLite connection per thread. `on_change` is called after each commit that made work or news."""

    def __init__(
        self,
        path: Path,
        addresses: Addresses,
        clock: Callable[[], float] = time.time,
        *,
        backups: Backups | None = None,
        alone: bool = True,
        patience: float = 0.0,
    ) -> None:
        """`alone`: to work on it, by the one process that claims jobs. Makes the ledger where there is none, takes an
        offered backup, and brings its schema up to date (after a backup). Raises LedgerInUse where another still has it
        after `patience` seconds, LedgerNotUsable where it is damaged, a later version's or out of reach, BackupUnusable
        and BackupFailed.

        Else: beside that process, to read and to order. Raises LedgerNotUsable where it is not there or not up to
        date.

        `seat` is the same for all processes that had the ledger to themselves on this machine, and no other's."""
        self.path, self.addresses, self.clock = path, addresses, clock
        self.on_change: Callable[[], None] = lambda: None
        self._local = threading.local()
        self._lock: IO[str] | None = None
        self.lock_id = ""
        try:
            if alone:
                self._have_alone(backups or Backups(path), patience)
            else:
                self._require_up_to_date()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another process have the ledger. Only this thread's connection is closed: SQLite does not survive it
        where another thread is in the middle of a statement; theirs end with their threads."""
        if hasattr(self._local, "db"):
            self._local.db.close()
            del self._local.db
        if self._lock:
            self._lock.close()

    @property
    def alone(self) -> bool:
        """Whether it was opened to work on."""
        return self._lock is not None

    def _have_alone(self, backups: Backups, patience: float) -> None:
        try:
            self._lock = _lock_file(self.path.with_suffix(".lock"), patience)
            self.lock_id = _lock_id(self._lock)
        except OSError as error:
            next_step = "Check the volume's room and rights."
            raise LedgerNotUsable(f"The ledger {self.path} can't be had.", f"{error}.", next_step) from error
        self._bring_up_to_date(backups)

    def _bring_up_to_date(self, backups: Backups) -> None:
        backups.take_offered()
        applied, pending = self._migrations()
        if applied and pending:
            backups.make(f"before-{pending[0].replace('_', '-')}")
        try:
            migrations.apply(self._db)
        except sqlite3.Error as error:
            what = f"The ledger {self.path} could not be brought up to date ({pending[0]})."
            next_step = f"Run the former version meanwhile; a backup of before is in {backups.folder}."
            raise LedgerNotUsable(what, f"{error}.", next_step) from error

    def _require_up_to_date(self) -> None:
        if not self.path.exists():
            raise LedgerNotUsable(f"There is no ledger at {self.path}.", "", "Start the bot first, or set LEDGER_PATH.")
        if pending := self._migrations()[1]:
            what = f"The ledger {self.path} is of an older version."
            raise LedgerNotUsable(what, f"It lacks {', '.join(pending)}.", "Start the bot of this version first.")

    def _migrations(self) -> tuple[list[str], list[str]]:
        """Which were applied, which are to be. Raises LedgerNotUsable where it can't be read, is damaged (which whoever
        is to work on it looks for), or a later version wrote it."""
        try:
            if self.alone:
                self._require_sound()
            applied = [migration.name for migration in migrations.applied(self._db)]
            pending = [migration.name for migration in migrations.pending(self._db)]
        except sqlite3.Error as error:
            next_step = "If it is damaged, restore a backup: storewright ledger backups, storewright ledger restore."
            raise LedgerNotUsable(f"The ledger {self.path} can't be read.", f"{error}.", next_step) from error
        if len(applied) + len(pending) > len(schemas()):
            what = f"The ledger {self.path} was written by a later version of Storewright ({applied[-1]})."
            next_step = "Run that version, or restore a backup from before it: storewright ledger restore."
            raise LedgerNotUsable(what, "", next_step)
        return applied, pending

    def _require_sound(self) -> None:
        """Raises sqlite3.Error where a page of it is damaged; reads all of them."""
        [found] = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)

    # --- orders: what people ask for ----------------------------------------------------------------------------

    def order_create(
        self,
        *,
        name: str,
        type: str,
        admin_path: str,
        owner: str,
        origin: str,
        delivery_key: str,
        limits: Limits,
        options: dict[str, str] | None = None,
    ) -> Job:
        """Make the store and its create job, durably; the same delivery key again returns the same job.

        Raises StoreExists, StoreBusy or LimitReached, and then changes nothing."""
        with self._write() as db:
            if repeated := self._job_where(db, "delivery_key = ?", delivery_key):
                return repeated
            _refuse_taken(self._store_where(db, "name = ? AND status != 'deleted'", name))
            self._refuse_over_limit(db, owner, limits)
            now = self.clock()
            store = Store(
                id=new_id(),
                name=name,
                type=type,
                status=StoreStatus.CREATING,
                owner=owner,
                origin=origin,
                namespace=self.addresses.namespace(name),
                url=self.addresses.url(name),
                admin_url=self.addresses.url(name) + admin_path,
                created_at=now,
                options=options or {},
            )
            db.table("stores").insert(store.__dict__)
            return self._insert_job(db, JobKind.CREATE, store, owner, origin, delivery_key, limits)

    def order_upgrade(self, *, store_id: str, by: str, origin: str, delivery_key: str, limits: Limits) -> Job:
        """Make the job that brings a Ready store to its chart of today; the store stays Ready meanwhile.

        Raises StoreNotFound, StoreBusy, or Refused where it is not Ready."""
        with self._write() as db:
            if repeated := self._job_where(db, "delivery_key = ?", delivery_key):
                return repeated
            store = self._existing(db, store_id)
            self._refuse_busy(db, store)
            if store.status != StoreStatus.READY:
                what = f"{store.name} is {store.status}, and only a store that is ready can be upgraded."
                raise Refused(what, next_step=f"Retry or delete it first (/store status {store.name}).")
            return self._insert_job(db, JobKind.UPGRADE, store, by, origin, delivery_key, limits)

    def order_retry(self, *, job_id: str, by: str, origin: str, delivery_key: str, limits: Limits) -> Job:
        """Try a failed job once more, as a new job. Raises StoreNotFound, StoreBusy, or Refused where it is moot."""
        with self._write() as db:
            if repeated := self._job_where(db, "delivery_key = ?", delivery_key):
                return repeated
            failed = self._job_where(db, "id = ?", job_id)
            store = failed and self._store_where(db, "id = ?", failed.store_id)
            if not failed or not store or store.status == StoreStatus.DELETED:
                raise StoreNotFound("That store no longer exists.", "It was deleted since.", "Order it anew.")
            self._refuse_busy(db, store)
            newest = self._job_where(db, "store_id = ? ORDER BY created_at DESC, rowid DESC LIMIT 1", store.id)
            if failed.status != JobStatus.FAILED or newest != failed:
                raise Refused(f"There is nothing to retry for {store.name}: it is {store.status}.")
            if failed.kind != JobKind.UPGRADE:  # which leaves it what it is
                status = StoreStatus.CREATING if failed.kind == JobKind.CREATE else StoreStatus.DELETING
                self._set_store(db, store.id, status=status)
            return self._insert_job(db, failed.kind, store, by, origin, delivery_key, limits, retry_of=job_id)

    def order_delete(self, *, store_id: str, by: str, origin: str, delivery_key: str, limits: Limits) -> Job:
        """Make the delete job, superseding another one. Raises StoreNotFound or StoreBusy (already being deleted)."""
        with self._write() as db:
            if repeated := self._job_where(db, "delivery_key = ?", delivery_key):
                return repeated
            store = self._existing(db, store_id)
            live = self._job_where(db, f"store_id = ? AND status IN ({LIVE_SQL})", store_id)
            if live and live.kind == JobKind.DELETE:
                raise StoreBusy(f"{store.name} is being deleted already.")
            if live:
                self._finish(db, live, JobStatus.SUPERSEDED, EventKind.SUPERSEDED)
            self._set_store(db, store.id, status=StoreStatus.DELETING)
            self._revoke_links(db, store.id)
            return self._insert_job(db, JobKind.DELETE, store, by, origin, delivery_key, limits)

    # --- work: what the scheduler and the workflows say -----------------------------------------------------------

    def claim_due(self, busy_stores: Sequence[str] = ()) -> Job | None:
        """Take the oldest due job of a store not in `busy_stores` and set it running; None where there is none."""
        self._require_alone()
        marks = ", ".join("?" * len(busy_stores))
        with self._write() as db:
            row = db.execute(
                f"""UPDATE jobs SET status = 'running', attempts = attempts + 1, started_at = coalesce(started_at, ?),
                        deadline_at = coalesce(started_at, ?) + allowed
                    WHERE id = (SELECT id FROM jobs WHERE status = 'queued' AND due_at <= ? AND store NOT IN ({marks})
                                ORDER BY due_at LIMIT 1) RETURNING id""",
                (self.clock(), self.clock(), self.clock(), *busy_stores),
            ).fetchone()
            return self._job_where(db, "id = ?", row[0]) if row else None

    def requeue_interrupted(self, at_work: Sequence[str] = ()) -> list[Job]:
        """What is running here and not among the jobs `at_work` is due again at once. Returns those jobs."""
        self._require_alone()
        marks = ", ".join("?" * len(at_work))
        with self._write() as db:
            query = f"""UPDATE jobs SET status = 'queued', due_at = ?, started_at = NULL
                        WHERE status = 'running' AND id NOT IN ({marks}) RETURNING id"""
            ids = [row[0] for row in db.execute(query, (self.clock(), *at_work)).fetchall()]
            return [job for job in (self._job_where(db, "id = ?", i) for i in ids) if job]

    def record(self, job: Job, kind: EventKind, stage: str = "", detail: str = "", *, at: float | None = None) -> None:
        """Write an event of a running job, of now or as of `at`. A stage's start and end are kept once, however often
        it is entered again or told.

        Raises Superseded where the job is not live any more."""
        with self._write() as db:
            self._require_live(db, job)
            self._insert_event(db, job, kind, stage, detail, at)

    def require_live(self, job: Job) -> None:
        """Raises Superseded where the job is not live any more."""
        self._require_live(self._db, job)

    def succeed(self, job: Job, version: str = "", *, at: float | None = None) -> None:
        """The job did what it was for, now or at `at`: the store is Ready (by `version` of its chart) or deleted.

        Raises Superseded."""
        with self._write() as db:
            now = self._time(at)
            if job.kind == JobKind.DELETE:
                self._set_store(
                    db, job.store_id, status=StoreStatus.DELETED, deleted_at=now, deleted_by=job.requested_by
                )
                self._revoke_links(db, job.store_id)
            else:
                store = self._store_where(db, "id = ?", job.store_id)
                first = store.ready_at if store and store.ready_at else now
                self._set_store(db, job.store_id, status=StoreStatus.READY, ready_at=first, version=version)
            self._finish(db, job, JobStatus.SUCCEEDED, EventKind.SUCCEEDED, detail=version, at=at)

    def fail(self, job: Job, problem: Problem, *, store_kept: bool = False) -> None:
        """The job can't be done: a failure notice is due; the store is failed, or else as it was (`store_kept`).

        Raises Superseded."""
        with self._write() as db:
            if not store_kept:
                self._set_store(db, job.store_id, status=StoreStatus.FAILED)
            self._finish(db, job, JobStatus.FAILED, EventKind.FAILED, problem, problem.what)
            self._bump(db, f"failure:{job.id}", "failure", job.id)

    def note_version(self, store_id: str, version: str) -> None:
        """It was found out which version of its chart serves a store."""
        with self._write() as db:
            self._set_store(db, store_id, version=version)

    def retry_later(self, job: Job, problem: Problem, due_at: float) -> None:
        """Queue the job again for `due_at` after a passing failure. Raises Superseded."""
        with self._write() as db:
            self._require_live(db, job)
            db.execute("UPDATE jobs SET status = 'queued', due_at = ? WHERE id = ?", (due_at, job.id))
            detail = f"{problem} Trying again in {max(1, round(due_at - self.clock()))} s."
            self._insert_event(db, job, EventKind.RETRYING, "", detail)

    def put_back(self, job: Job, problem: Problem, due_at: float) -> None:
        """Queue the job again for `due_at`, because it may not begin yet: no attempt is counted and none of its time.
        Why is told once, however often it is put back. Raises Superseded."""
        with self._write() as db:
            self._require_live(db, job)
            query = """UPDATE jobs SET status = 'queued', due_at = ?, started_at = NULL, attempts = attempts - 1
                       WHERE id = ?"""
            db.execute(query, (due_at, job.id))
            last = self.events(job.id)[-1]
            if last.kind != EventKind.RETRYING or not last.detail.startswith(problem.what):
                self._insert_event(db, job, EventKind.RETRYING, "", str(problem))

    def turn_back(self, job: Job, problem: Problem) -> None:
        """Queue an upgrade again whose process could not undo what it had begun: its next attempt finds that the way
        back was begun, and goes it. Raises Superseded."""
        with self._write() as db:
            self._require_live(db, job)
            db.execute("UPDATE jobs SET status = 'queued', due_at = ? WHERE id = ?", (self.clock(), job.id))
            self._insert_event(db, job, EventKind.STARTED, ROLLBACK, json.dumps(asdict(problem)))

    def adopt(self, store: Store) -> bool:
        """Take in a store found in the cluster that this ledger does not know; False where the name is known."""
        with self._write() as db:
            if self._store_where(db, "id = ? OR (name = ? AND status != 'deleted')", store.id, store.name):
                return False
            db.table("stores").insert(store.__dict__)
            return True

    # --- reading ------------------------------------------------------------------------------------------------

    def store(self, name: str) -> Store | None:
        """The store that has this name now."""
        return self._store_where(self._db, "name = ? AND status != 'deleted'", name)

    def store_by_id(self, store_id: str) -> Store | None:
        """The store, deleted or not."""
        return self._store_where(self._db, "id = ?", store_id)

    def last_deleted(self, name: str) -> Store | None:
        """The store that had this name last."""
        return self._store_where(self._db, "name = ? AND status = 'deleted' ORDER BY deleted_at DESC LIMIT 1", name)

    def stores(self, owner: str | None = None) -> list[Store]:
        """Stores that exist (of one owner), oldest first."""
        where = "status != 'deleted'" + (" AND owner = :owner" if owner else "")
        query = f"SELECT * FROM stores WHERE {where} ORDER BY created_at"
        return [_store(row) for row in self._db.query(query, {"owner": owner})]

    def job(self, job_id: str) -> Job | None:
        return self._job_where(self._db, "id = ?", job_id)

    def jobs_of(self, kind: JobKind) -> list[Job]:
        """All jobs of a kind, oldest first."""
        return [_job(row) for row in self._db.query("SELECT * FROM jobs WHERE kind = ? ORDER BY created_at", [kind])]

    def last_job(self, store_id: str) -> Job | None:
        """The newest job of a store."""
        return self._job_where(self._db, "store_id = ? ORDER BY created_at DESC, rowid DESC LIMIT 1", store_id)

    def events(self, job_id: str, after: int = 0) -> list[JobEvent]:
        """The job's events in order, from the one following event id `after`."""
        query = "SELECT * FROM job_events WHERE job_id = ? AND id > ? ORDER BY id"
        return [JobEvent(**{**r, "kind": EventKind(r["kind"])}) for r in self._db.query(query, [job_id, after])]

    def usage(self, owner: str) -> int:
        """How many stores the person has now (deleting ones no longer count)."""
        return _count(self._db, "stores WHERE owner = ? AND status NOT IN ('deleted', 'deleting')", owner)

    def counts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Numbers for metrics: `jobs` (kind, status, n), `stores` (type, status, n), `outbox` (n,) due entries,
        `queue` (n, age of the oldest in seconds) of jobs whose work has not begun, for whatever reason."""

        def rows(sql: str, *args: Any) -> list[tuple[Any, ...]]:
            return list(self._db.execute(sql, args).fetchall())

        return {
            "jobs": rows("SELECT kind, status, count(*) FROM jobs GROUP BY 1, 2"),
            "stores": rows("SELECT type, status, count(*) FROM stores GROUP BY 1, 2"),
            "outbox": rows("SELECT count(*) FROM outbox WHERE sent_revision < revision"),
            "queue": rows(
                """SELECT count(*), coalesce(? - min(created_at), 0) FROM jobs
                   WHERE status = 'queued' AND started_at IS NULL""",
                self.clock(),
            ),
        }

    def ready_seconds(self, bounds: Sequence[float]) -> list[HistogramRow]:
        """How long creations took from their order, by store type and outcome: ready or failed."""
        outcome = "CASE e.kind WHEN 'succeeded' THEN 'ready' ELSE 'failed' END"
        return self._spreads(
            ["s.type", outcome], "j.kind = 'create' AND e.stage = '' AND e.kind IN ('succeeded', 'failed')", bounds
        )

    def stage_seconds(self, bounds: Sequence[float]) -> list[HistogramRow]:
        """How long stages took that were completed, by job kind, stage and store type."""
        return self._spreads(["j.kind", "e.stage", "s.type"], "e.kind = 'done'", bounds)

    def _spreads(self, labels: list[str], where: str, bounds: Sequence[float]) -> list[HistogramRow]:
        """Counted by SQLite: with years of history a scrape still moves a few rows."""
        within = "".join(f", sum(e.seconds <= {float(bound)})" for bound in bounds)
        query = f"""SELECT {", ".join(labels)}{within}, count(*), sum(e.seconds) FROM job_events e
                    JOIN jobs j ON j.id = e.job_id JOIN stores s ON s.id = j.store_id
                    WHERE {where} AND e.seconds IS NOT NULL GROUP BY {", ".join(labels)}"""
        rows, n = self._db.execute(query).fetchall(), len(labels)
        return [HistogramRow(tuple(row[:n]), tuple(row[n:-2]), row[-2], row[-1]) for row in rows]

    def size(self) -> int:
        """Bytes on disk, with what is not checkpointed yet."""
        parts = (self.path.with_name(self.path.name + end) for end in ("", "-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())

    def try_writing(self) -> None:
        """Raises LedgerNotUsable where nothing can be written."""
        try:
            with self._write():
                pass
        except sqlite3.Error as error:
            next_step = "Mend its volume, or the rights of its folder."
            raise LedgerNotUsable(f"The ledger {self.path} can't be written.", f"{error}.", next_step) from error

    # --- outbox: what the front still has to tell -------------------------------------------------------------------

    def announce(self, key: str, kind: str, subject: str) -> None:
        """Make (or make due again) an outbox entry of the front's own, such as a person's home."""
        with self._write() as db:
            self._bump(db, key, kind, subject)

    def outgoing(self, limit: int = 100) -> list[OutboxEntry]:
        """Entries that are due, oldest first."""
        query = """SELECT * FROM outbox WHERE sent_revision < revision AND due_at <= ?
                   ORDER BY due_at, created_at LIMIT ?"""
        return [OutboxEntry(**row) for row in self._db.query(query, [self.clock(), limit])]

    def next_outgoing_at(self) -> float | None:
        """When the next entry is due, or None."""
        row = self._db.execute("SELECT min(due_at) FROM outbox WHERE sent_revision < revision").fetchone()
        return row[0] if row else None

    def outbox_entry(self, key: str) -> OutboxEntry | None:
        return next((OutboxEntry(**row) for row in self._db.query("SELECT * FROM outbox WHERE key = ?", [key])), None)

    def place(self, key: str, address: str, remote_id: str | None = None) -> None:
        """Remember where an entry is told, before or after it is sent."""
        with self._write() as db:
            db.execute("UPDATE outbox SET address = ?, remote_id = ? WHERE key = ?", (address, remote_id, key))

    def sent(self, entry: OutboxEntry, *, address: str, remote_id: str | None, content_hash: str) -> None:
        """The front told `entry` as of its `revision`; what came since stays due."""
        with self._write() as db:
            db.execute(
                """UPDATE outbox SET sent_revision = ?, attempts = 0, address = ?, remote_id = ?, content_hash = ?
                   WHERE key = ?""",
                (entry.revision, address, remote_id, content_hash, entry.key),
            )

    def postpone(self, entry: OutboxEntry, due_at: float) -> None:
        """It could not be told now; try again at `due_at`."""
        with self._write() as db:
            query = "UPDATE outbox SET due_at = ?, attempts = attempts + 1 WHERE key = ?"
            db.execute(query, (due_at, entry.key))

    # --- links, audit, delivery keys --------------------------------------------------------------------------------

    def add_link(self, link: CredentialLink) -> None:
        """Keep a new link and revoke the store's earlier ones. Raises StoreNotFound where the store is going."""
        with self._write() as db:
            store = self._store_where(db, "id = ?", link.store_id)
            if not store or store.status in (StoreStatus.DELETING, StoreStatus.DELETED):
                raise StoreNotFound("That store is deleted or being deleted.")
            self._revoke_links(db, link.store_id)
            db.table("links").insert(link.__dict__)

    def link(self, link_id: str) -> CredentialLink | None:
        return next(
            (CredentialLink(**row) for row in self._db.query("SELECT * FROM links WHERE id = ?", [link_id])), None
        )

    def claim_link(self, link_id: str, *, actor: str, detail: str, request_id: str) -> bool:
        """Use the link up and audit it, in one transaction; False where it was used, revoked or too old by now.

        Tells the owner by a `notice` in the outbox."""
        with self._write() as db:
            row = db.execute(
                """UPDATE links SET claimed_at = :now WHERE id = :id AND claimed_at IS NULL AND revoked_at IS NULL
                   AND expires_at > :now RETURNING store_id""",
                {"now": self.clock(), "id": link_id},
            ).fetchone()
            if not row:
                return False
            store = self._store_where(db, "id = ?", row[0])
            self._insert_audit(db, actor, "reveal", store.name if store else row[0], "", detail, "done", request_id)
            self._bump(db, f"notice:{link_id}", "notice", link_id)
            return True

    def audit(
        self, *, actor: str, action: str, store: str, origin: str, detail: str, outcome: str, request_id: str
    ) -> None:
        """Append to the audit: who did what to which store from where (`origin`), the raw request and how it ended."""
        with self._write() as db:
            self._insert_audit(db, actor, action, store, origin, detail, outcome, request_id)

    def audit_rows(self, limit: int = 1000) -> list[dict[str, Any]]:
        """The newest audit rows, newest first."""
        return list(self._db.query("SELECT * FROM audit ORDER BY id DESC LIMIT ?", [limit]))

    def first_sight(self, delivery_key: str) -> bool:
        """True the first time a delivery key is seen, False for its repeats and replays."""
        with self._write() as db:
            row = db.execute(
                "INSERT INTO deliveries VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING key",
                (delivery_key, self.clock()),
            ).fetchone()
            return row is not None

    def sweep(self) -> None:
        """Forget delivery keys and links that are of no use any more (a day old)."""
        with self._write() as db:
            yesterday = self.clock() - 86_400
            db.execute("DELETE FROM deliveries WHERE at < ?", (yesterday,))
            db.execute("DELETE FROM links WHERE expires_at < ?", (yesterday,))

    # --- inside -------------------------------------------------------------------------------------------------

    def _require_alone(self) -> None:
        if not self.alone:
            raise LedgerInUse(f"{self.path} was opened beside the process that works on it: no job is claimed here.")

    @property
    def _db(self) -> Database:
        """This thread's connection."""
        if not hasattr(self._local, "db"):
            connection = sqlite3.connect(self.path, timeout=30)
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 30000"):
                connection.execute(f"PRAGMA {pragma}")
            self._local.db = Database(connection)
        db: Database = self._local.db
        return db

    @contextmanager
    def _write(self) -> Iterator[Database]:
        """One write transaction; IMMEDIATE, so that what it reads stays true until it commits."""
        db = self._db
        before = db.conn.total_changes
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.commit()
        except BaseException:
            db.rollback()
            raise
        if db.conn.total_changes != before:
            self.on_change()

    def _insert_job(
        self,
        db: Database,
        kind: JobKind,
        store: Store,
        by: str,
        origin: str,
        delivery_key: str,
        limits: Limits,
        retry_of: str | None = None,
    ) -> Job:
        now, seconds = self.clock(), limits.seconds_for(kind)
        job = Job(
            id=new_id(),
            kind=kind,
            store_id=store.id,
            store=store.name,
            status=JobStatus.QUEUED,
            requested_by=by,
            origin=origin,
            delivery_key=delivery_key,
            attempts=0,
            created_at=now,
            due_at=now,
            allowed=seconds,
            deadline_at=now + seconds,
            retry_of=retry_of,
        )
        db.table("jobs").insert(job.__dict__)
        self._insert_event(db, job, EventKind.QUEUED)
        self._touch_others(db, job)
        return job

    def _time(self, at: float | None) -> float:
        """When something was, by a clock that may be ahead of ours."""
        return self.clock() if at is None else min(at, self.clock())

    def _insert_event(
        self, db: Database, job: Job, kind: EventKind, stage: str = "", detail: str = "", at: float | None = None
    ) -> None:
        now = self._time(at)
        seconds = self._seconds(db, job, kind, stage, now)
        row = db.execute(
            """INSERT INTO job_events (job_id, at, kind, stage, detail, seconds) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT DO NOTHING RETURNING id""",
            (job.id, now, kind, stage, detail, seconds),
        ).fetchone()
        if row:
            self._bump(db, f"summary:{job.id}", "summary", job.id)
            if (kind, stage) == (EventKind.STARTED, ROLLBACK):  # which has its time anew, however late it begins
                query = "UPDATE jobs SET started_at = ?, deadline_at = ? + allowed WHERE id = ?"
                db.execute(query, (now, now, job.id))
            if kind in (EventKind.DONE, EventKind.RETRYING, EventKind.FAILED, EventKind.SUPERSEDED):
                self._bump(db, f"stages:{job.id}", "stages", job.id)

    def _seconds(self, db: Database, job: Job, kind: EventKind, stage: str, now: float) -> float | None:
        """A stage's duration at its end; the job's, from the request, at its own."""
        if kind in (EventKind.SUCCEEDED, EventKind.FAILED):
            return now - job.created_at
        if kind != EventKind.DONE:
            return None
        query = "SELECT at FROM job_events WHERE job_id = ? AND stage = ? AND kind = 'started'"
        row = db.execute(query, (job.id, stage)).fetchone()
        return now - row[0] if row else None

    def _finish(
        self,
        db: Database,
        job: Job,
        status: JobStatus,
        event: EventKind,
        problem: Problem | None = None,
        detail: str = "",
        at: float | None = None,
    ) -> None:
        """Raises Superseded where the job is not live any more."""
        told = json.dumps(asdict(problem)) if problem else None
        query = f"UPDATE jobs SET status = ?, finished_at = ?, problem = ? WHERE id = ? AND status IN ({LIVE_SQL})"
        if not db.execute(query, (status, self._time(at), told, job.id)).rowcount:
            raise Superseded(job.id)
        self._insert_event(db, job, event, "", detail, at)
        self._touch_others(db, job)

    def _touch_others(self, db: Database, job: Job) -> None:
        """Earlier jobs' messages may look different now (their buttons are stale): tell them again."""
        others = db.execute("SELECT id FROM jobs WHERE store_id = ? AND id != ?", (job.store_id, job.id)).fetchall()
        for (job_id,) in others:
            for kind in ("summary", "failure"):
                query = "UPDATE outbox SET revision = revision + 1, due_at = min(due_at, ?) WHERE key = ?"
                db.execute(query, (self.clock(), f"{kind}:{job_id}"))

    def _bump(self, db: Database, key: str, kind: str, subject: str) -> None:
        now = self.clock()
        db.execute(
            """INSERT INTO outbox (key, kind, subject, revision, sent_revision, attempts, due_at, created_at)
               VALUES (?, ?, ?, 1, 0, 0, ?, ?)
               ON CONFLICT (key) DO UPDATE SET revision = revision + 1,
                   due_at = CASE WHEN sent_revision = revision THEN excluded.due_at ELSE due_at END""",
            (key, kind, subject, now, now),
        )

    def _insert_audit(
        self,
        db: Database,
        actor: str,
        action: str,
        store: str,
        origin: str,
        detail: str,
        outcome: str,
        request_id: str,
    ) -> None:
        row = {"at": self.clock(), "actor": actor, "action": action, "store": store, "origin": origin}
        db.table("audit").insert({**row, "detail": detail, "outcome": outcome, "request_id": request_id})

    def _require_live(self, db: Database, job: Job) -> None:
        row = db.execute(f"SELECT 1 FROM jobs WHERE id = ? AND status IN ({LIVE_SQL})", (job.id,)).fetchone()
        if not row:
            raise Superseded(job.id)

    def _existing(self, db: Database, store_id: str) -> Store:
        store = self._store_where(db, "id = ? AND status != 'deleted'", store_id)
        if not store:
            raise StoreNotFound("That store no longer exists.", "It was deleted already.")
        return store

    def _refuse_busy(self, db: Database, store: Store) -> None:
        if live := self._job_where(db, f"store_id = ? AND status IN ({LIVE_SQL})", store.id):
            doing = {JobKind.CREATE: "created", JobKind.UPGRADE: "upgraded", JobKind.DELETE: "deleted"}[live.kind]
            raise StoreBusy(f"{store.name} is being {doing} right now.", next_step="Wait until that is done.")

    def _refuse_over_limit(self, db: Database, owner: str, limits: Limits) -> None:
        has = _count(db, "stores WHERE owner = ? AND status NOT IN ('deleted', 'deleting')", owner)
        if has >= limits.stores_per_person:
            raise LimitReached(
                f"You have {has} stores, and {limits.stores_per_person} is the most one person may have.",
                next_step="Delete one you no longer need (/store list shows them).",
            )
        since = self.clock() - 3600
        query = "SELECT created_at FROM stores WHERE owner = ? AND created_at > ? ORDER BY created_at"
        recent = [row[0] for row in db.execute(query, (owner, since)).fetchall()]
        if len(recent) >= limits.creations_per_hour:
            free_at = recent[len(recent) - limits.creations_per_hour] + 3600
            minutes = max(1, -int(-(free_at - self.clock()) // 60))
            raise LimitReached(
                f"You have ordered {len(recent)} stores within the hour, and {limits.creations_per_hour} is the most.",
                next_step=f"The next is free in {minutes} min.",
                free_at=free_at,
            )

    def _revoke_links(self, db: Database, store_id: str) -> None:
        query = "UPDATE links SET revoked_at = ? WHERE store_id = ? AND claimed_at IS NULL AND revoked_at IS NULL"
        db.execute(query, (self.clock(), store_id))

    def _set_store(self, db: Database, store_id: str, **changes: Any) -> None:
        db.table("stores").update(store_id, changes)

    def _store_where(self, db: Database, where: str, *args: Any) -> Store | None:
        rows = db.query(f"SELECT * FROM stores WHERE {where}", args)
        return next((_store(row) for row in rows), None)

    def _job_where(self, db: Database, where: str, *args: Any) -> Job | None:
        rows = db.query(f"SELECT * FROM jobs WHERE {where}", args)
        return next((_job(row) for row in rows), None)


def _refuse_taken(store: Store | None) -> None:
    """Why a name can't be ordered now, told by what its present store is doing."""
    if not store:
        return
    if store.status == StoreStatus.DELETING:
        raise StoreBusy(f"A store called {store.name} is being deleted.", next_step="Order it again when it is gone.")
    if store.status == StoreStatus.CREATING:
        raise StoreBusy(f"A store called {store.name} is being created already.")
    raise StoreExists(f"There is a store called {store.name} already.", next_step="Choose another name.")


def _store(row: dict[str, Any]) -> Store:
    return Store(**{**row, "status": StoreStatus(row["status"]), "options": json.loads(row["options"])})


def _job(row: dict[str, Any]) -> Job:
    problem = Problem(**json.loads(row["problem"])) if row["problem"] else None
    return Job(**{**row, "kind": JobKind(row["kind"]), "status": JobStatus(row["status"]), "problem": problem})


def _count(db: Database, table_where: str, *args: Any) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table_where}", args).fetchone()[0])


def _lock_id(lock: IO[str]) -> str:
    """What the lock's file is known by: whoever has locked it comes after all that had it before."""
    lock.seek(0)
    if not (seat := lock.read().strip()):
        seat = new_id()
        lock.write(seat)
        lock.flush()
    return seat


def _lock_file(path: Path, patience: float) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("a+")
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() >= until:
                handle.close()
                what = f"The ledger {path.with_suffix('')} is in use by another process."
                raise LedgerInUse(what, "A bot is running on it.", "Stop that one first.") from None
            time.sleep(0.05)
