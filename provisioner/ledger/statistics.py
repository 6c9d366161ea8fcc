"""Numbers for the metrics, counted by SQLite: a scrape reads few rows, even after years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.ledger.connection import Connection


@dataclass(frozen=True)
class Counts:
    """`jobs` is (kind, status, count), `stores` is (type, status, count).

    `queued` jobs have not started yet; the oldest of them was ordered `oldest_queued_seconds` ago."""

    jobs: list[tuple[Any, ...]]
    stores: list[tuple[Any, ...]]
    outbox_due: int
    outbox_dead: int
    queued: int
    oldest_queued_seconds: float


@dataclass(frozen=True)
class HistogramRow:
    """Durations with the same labels: how many were `within` each bound, how many in all, and their sum."""

    labels: tuple[str, ...]
    within: tuple[int, ...]
    count: int
    seconds: float


class Statistics:
    """Reads all tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def counts(self) -> Counts:
        """The numbers of now."""
        db, now = self._connection.db, self._connection.clock()
        queued, oldest = db.execute(
            """SELECT count(*), coalesce(? - min(created_at), 0) FROM jobs
               WHERE status = 'queued' AND started_at IS NULL""",
            (now,),
        ).fetchone()
        due, dead = db.execute(
            """SELECT count(*) FILTER (WHERE sent_revision < revision AND dead_at IS NULL),
                      count(*) FILTER (WHERE dead_at IS NOT NULL) FROM outbox"""
        ).fetchone()
        return Counts(
            jobs=db.execute("SELECT kind, status, count(*) FROM jobs GROUP BY 1, 2").fetchall(),
            stores=db.execute("SELECT type, status, count(*) FROM stores GROUP BY 1, 2").fetchall(),
            outbox_due=due,
            outbox_dead=dead,
            queued=queued,
            oldest_queued_seconds=oldest,
        )

    def ready_seconds(self, bounds: Sequence[float]) -> list[HistogramRow]:
        """Seconds from the order of a store until it was ready or failed, by store type and outcome."""
        outcome = "CASE e.kind WHEN 'succeeded' THEN 'ready' ELSE 'failed' END"
        where = "j.kind = 'create' AND e.stage = '' AND e.kind IN ('succeeded', 'failed')"
        return self._histogram(["s.type", outcome], where, bounds)

    def stage_seconds(self, bounds: Sequence[float]) -> list[HistogramRow]:
        """Seconds of completed stages, by job kind, stage and store type."""
        return self._histogram(["j.kind", "e.stage", "s.type"], "e.kind = 'done'", bounds)

    def seconds_of(self, kind: str, type: str, newest: int) -> list[float]:
        """How long the newest jobs of a kind took that succeeded, on stores of this type; the shortest first."""
        query = """SELECT j.finished_at - j.created_at FROM jobs j JOIN stores s ON s.id = j.store_id
                   WHERE j.kind = ? AND j.status = 'succeeded' AND s.type = ? ORDER BY j.created_at DESC LIMIT ?"""
        return sorted(row[0] for row in self._connection.db.execute(query, (kind, type, newest)).fetchall())

    def size_bytes(self) -> int:
        """Size on disk, with the write-ahead log."""
        path = self._connection.path
        parts = (path.with_name(path.name + end) for end in ("", "-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())

    def _histogram(self, labels: list[str], where: str, bounds: Sequence[float]) -> list[HistogramRow]:
        within = "".join(f", sum(e.seconds <= {float(bound)})" for bound in bounds)
        query = f"""SELECT {", ".join(labels)}{within}, count(*), sum(e.seconds) FROM job_events e
                    JOIN jobs j ON j.id = e.job_id JOIN stores s ON s.id = j.store_id
                    WHERE {where} AND e.seconds IS NOT NULL GROUP BY {", ".join(labels)}"""
        rows, n = self._connection.db.execute(query).fetchall(), len(labels)
        return [HistogramRow(tuple(row[:n]), tuple(row[n:-2]), row[-2], row[-1]) for row in rows]
