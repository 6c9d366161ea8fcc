"""What an App Home shows of stores and jobs, in a fixed number of queries for any number of stores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from provisioner.domain.expiry import DAY
from provisioner.domain.job import Job, JobEvent
from provisioner.domain.store import Store
from provisioner.ledger.connection import Connection
from provisioner.ledger.homes import HomeChoice, Shown
from provisioner.ledger.jobs import LIVE_SQL
from provisioner.ledger.rows import event_of, job_of, store_of
from provisioner.ledger.stores import EXISTS

STORES, JOBS = 20, 5  # of a page, and jobs of each kind: Slack takes 100 blocks
LATELY_SECONDS = 7.0 * DAY  # for which a failure is shown
SOON_SECONDS = 3.0 * DAY  # before the end of a store that expires soon
WHERE = {
    Shown.ALL: EXISTS,
    Shown.READY: "status = 'ready'",
    Shown.ASLEEP: "status = 'asleep'",
    Shown.FAILED: "status = 'failed'",
    Shown.EXPIRING: f"{EXISTS} AND expires_at < :now + {SOON_SECONDS}",
}
LIVE = f"j.status IN ({LIVE_SQL}) AND NOT j.quiet"
# A job that can be retried: nothing followed. What follows a shown job quietly, such as a daily backup, does not count.
FAILED_LATELY = f"""j.status = 'failed' AND j.finished_at > :now - {LATELY_SECONDS} AND s.{EXISTS} AND NOT EXISTS (
    SELECT 1 FROM jobs later WHERE later.store_id = j.store_id AND (j.quiet OR NOT later.quiet)
    AND (later.created_at, later.rowid) > (j.created_at, j.rowid))"""
NEWEST_SHOWN = """NOT j.quiet AND NOT EXISTS (SELECT 1 FROM jobs later WHERE later.store_id = j.store_id
    AND NOT later.quiet AND (later.created_at, later.rowid) > (j.created_at, j.rowid))"""


@dataclass(frozen=True)
class JobOfStore:
    """A job with its events and its store."""

    job: Job
    store: Store
    events: tuple[JobEvent, ...] = ()


@dataclass(frozen=True)
class Dashboard:
    """A `page` of `stores`, each with its newest job that is not quiet: at most STORES of `total`.

    Of the `running_total` queued and running jobs it has the JOBS oldest, of the `failed_total` stores whose newest job
    failed lately the JOBS newest of those jobs."""

    choice: HomeChoice
    stores: tuple[tuple[Store, Job | None], ...]
    total: int
    running: tuple[JobOfStore, ...] = ()
    running_total: int = 0
    failed: tuple[JobOfStore, ...] = ()
    failed_total: int = 0

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // STORES))


class Dashboards:
    """Reads the tables `stores`, `jobs` and `job_events`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, person: str, choice: HomeChoice) -> Dashboard:
        """What the choice shows to the person. After the last page comes the last page."""
        owned = {} if choice.everyone else {"owner": person}
        stores, total, page = self._page(choice, owned)
        running, running_total = self._jobs(LIVE, "j.created_at", owned)
        failed, failed_total = self._jobs(FAILED_LATELY, "j.finished_at DESC", owned)
        of_stores = self._stores([*running, *failed])
        events = self._events([job.id for job in running])
        return Dashboard(
            choice=HomeChoice(choice.everyone, choice.shown, page),
            stores=tuple(stores),
            total=total,
            running=tuple(JobOfStore(job, of_stores[job.store_id], tuple(events[job.id])) for job in running),
            running_total=running_total,
            failed=tuple(JobOfStore(job, of_stores[job.store_id]) for job in failed),
            failed_total=failed_total,
        )

    def _page(self, choice: HomeChoice, owned: dict[str, str]) -> tuple[list[tuple[Store, Job | None]], int, int]:
        """The stores, failed ones first and then the newest; how many there are in all, and the page."""
        db, values = self._connection.db, {"now": self._connection.clock(), **owned}
        where = f"{WHERE[choice.shown]}{' AND owner = :owner' if owned else ''}"
        total = int(db.execute(f"SELECT count(*) FROM stores WHERE {where}", values).fetchone()[0])
        page = max(1, min(choice.page, -(-total // STORES)))
        order = "expires_at" if choice.shown is Shown.EXPIRING else "status != 'failed', created_at DESC, rowid DESC"
        # The index has all that chooses and sorts: only the rows of the page are read.
        ids = f"SELECT rowid FROM stores WHERE {where} ORDER BY {order} LIMIT {STORES} OFFSET {(page - 1) * STORES}"
        query = f"SELECT * FROM stores WHERE rowid IN ({ids}) ORDER BY {order}"
        stores = [store_of(row) for row in db.query(query, values)]
        newest = f"SELECT * FROM jobs j WHERE store_id IN ({_marks(stores)}) AND {NEWEST_SHOWN}"
        jobs = {row["store_id"]: job_of(row) for row in db.query(newest, [store.id for store in stores])}
        return [(store, jobs.get(store.id)) for store in stores], total, page

    def _jobs(self, where: str, order: str, owned: dict[str, str]) -> tuple[list[Job], int]:
        """The newest such job of each store, and of how many stores there are some."""
        db, values = self._connection.db, {"now": self._connection.clock(), **owned}
        of_owner = " AND s.owner = :owner" if owned else ""
        # CROSS JOIN and the plus sign keep SQLite to the index of these few jobs: otherwise it looks at all stores.
        jobs = f"FROM jobs j CROSS JOIN stores s ON s.id = j.store_id WHERE {where}{of_owner}"
        total = int(db.execute(f"SELECT count(DISTINCT j.store_id) {jobs}", values).fetchone()[0])
        query = f"SELECT j.*, max(j.created_at) AS newest {jobs} GROUP BY +j.store_id ORDER BY {order} LIMIT {JOBS}"
        return [job_of({k: v for k, v in row.items() if k != "newest"}) for row in db.query(query, values)], total

    def _stores(self, jobs: Sequence[Job]) -> dict[str, Store]:
        query = f"SELECT * FROM stores WHERE id IN ({_marks(jobs)})"
        return {row["id"]: store_of(row) for row in self._connection.db.query(query, [job.store_id for job in jobs])}

    def _events(self, job_ids: Sequence[str]) -> dict[str, list[JobEvent]]:
        """The events of each job, in their order."""
        events = defaultdict(list)
        query = f"SELECT * FROM job_events WHERE job_id IN ({_marks(job_ids)}) ORDER BY id"
        for row in self._connection.db.query(query, job_ids):
            events[row["job_id"]].append(event_of(row))
        return events


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
