"""Metrics for Prometheus.

Numbers from the ledger are read at each scrape. Slack calls and runs of helm are counted by the process.
The alerts and the dashboard in charts/storewright/files use these names; a test runs their queries on a scrape."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from importlib.metadata import version
from itertools import product

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.observability.readiness import OK, Readiness
from provisioner.ledger.backup import Backups
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.statistics import HistogramRow
from provisioner.runner.kept_backups import Room

# Buckets are in seconds; 900 is the default deadline.
READY_BUCKETS = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900)
STAGE_BUCKETS = (0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 900)
CREATE_OUTCOMES = ("ready", "failed")
HELM_VERBS = ("version", "get", "template", "upgrade", "rollback")
HELM_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120)


class Metrics:
    """The metrics of one process, in one registry.

    `slack_calls` counts by method and outcome: ok, Slack's error word (ratelimited is a 429), or unreachable.
    `helm_runs` measures seconds by verb and outcome: ok, refused, transient (retried), or stopped (by the bot)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.slack_calls = Counter(
            "storewright_slack_calls", "Calls to Slack's Web API.", ["method", "outcome"], registry=self.registry
        )
        self.helm_runs = Histogram(
            "storewright_helm_seconds",
            "Runs of helm.",
            ["verb", "outcome"],
            buckets=HELM_BUCKETS,
            registry=self.registry,
        )
        for verb in HELM_VERBS:  # increase() misses the first failure of a series that does not start at 0
            self.helm_runs.labels(verb, "refused")

    def record_helm_run(self, verb: str, outcome: str, seconds: float) -> None:
        """Record one run of helm."""
        self.helm_runs.labels(verb, outcome).observe(seconds)

    def add_ledger(self, ledger: Ledger, backups: Backups, types: Collection[str]) -> None:
        """Add numbers from the ledger and its backups, read at each scrape.

        `types` are all store types of the catalog."""
        self.registry.register(
            _OnScrape(
                lambda: [
                    *_counts(ledger),
                    *_durations(ledger, types),
                    *_files(ledger, backups),
                    *_store_backups(ledger),
                ]
            )
        )

    def add_readiness(self, readiness: Readiness) -> None:
        """Add the last results of the readiness checks; a scrape runs none."""
        self.registry.register(_OnScrape(lambda: [*_process(readiness)]))

    def add_backup_room(self, room: Callable[[], Room | None]) -> None:
        """Add the room that the stores' backups have, as the last daily removal found it."""
        self.registry.register(_OnScrape(lambda: [*_backup_room(room())]))

    def add_workers(self, workers: int, busy: Callable[[], tuple[int, int]]) -> None:
        """Add the number of workers, and how many are busy and overdue.

        `busy` returns the number of workers with a job, and of those whose job is past its deadline."""
        self.registry.register(_OnScrape(lambda: [*_workers(workers, *busy())]))


class _OnScrape(Collector):
    """A collector that reads its metrics at each scrape."""

    def __init__(self, read: Callable[[], Sequence[Metric]]) -> None:
        self._read = read

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._read()


def _counts(ledger: Ledger) -> Iterator[Metric]:
    counts = ledger.statistics.counts()
    yield _gauge("jobs", "Jobs by kind and status.", counts.jobs, ["kind", "status"])
    yield _gauge("stores", "Stores by type and status.", counts.stores, ["type", "status"])
    yield _gauge("outbox_due", "Messages still to be sent.", [(counts.outbox_due,)])
    yield _gauge("outbox_dead", "Messages that the bot gave up sending.", [(counts.outbox_dead,)])
    yield _gauge("queue_jobs", "Jobs that have not started yet.", [(counts.queued,)])
    yield _gauge(
        "queue_oldest_seconds", "Age of the oldest job that has not started yet.", [(counts.oldest_queued_seconds,)]
    )


def _durations(ledger: Ledger, types: Collection[str]) -> Iterator[Metric]:
    ready, stages = ledger.statistics.ready_seconds(READY_BUCKETS), ledger.statistics.stage_seconds(STAGE_BUCKETS)
    zeros = {  # for alerts, like the series of helm runs
        labels: HistogramRow(labels, (0,) * len(READY_BUCKETS), 0, 0) for labels in product(types, CREATE_OUTCOMES)
    }
    ready = list((zeros | {row.labels: row for row in ready}).values())
    yield _histogram(
        "ready", "Seconds from the order of a store to Ready or failure.", ready, ["type", "outcome"], READY_BUCKETS
    )
    yield _histogram("stage", "Seconds of completed stages.", stages, ["kind", "stage", "type"], STAGE_BUCKETS)


def _files(ledger: Ledger, backups: Backups) -> Iterator[Metric]:
    newest = backups.newest()
    yield _gauge("ledger_bytes", "Size of the ledger.", [(ledger.statistics.size_bytes(),)])
    yield _gauge(
        "ledger_free_bytes", "Free space on the ledger's volume.", [(shutil.disk_usage(ledger.path.parent).free,)]
    )
    yield _gauge("ledger_backups", "Number of backups.", [(len(backups.all()),)])
    yield _gauge("ledger_backup_bytes", "Size of the newest backup.", [(newest.bytes if newest else 0,)])
    timestamp = "Time of the newest backup (epoch seconds), 0 for none."
    yield _gauge("ledger_backup_timestamp_seconds", timestamp, [(newest.made_at if newest else 0,)])
    yield _gauge("ledger_backup_interval_seconds", "Time between two backups.", [(backups.interval_seconds,)])


def _store_backups(ledger: Ledger) -> Iterator[Metric]:
    newest = ledger.store_backups.newest()
    text = "Time of the store's newest backup (epoch seconds); no series without one."
    yield _gauge("backup_timestamp_seconds", text, [(one.name, one.made_at) for one in newest], ["store"])
    proven = [(one.name, one.proven_at) for one in newest if one.proven_at]
    text = "Time of the last restore that proved a backup of the store (epoch seconds); no series without one."
    yield _gauge("backup_proven_timestamp_seconds", text, proven, ["store"])
    yield _gauge("backup_bytes", "Size of what it holds.", [(one.name, one.bytes) for one in newest], ["store"])


def _backup_room(room: Room | None) -> Iterator[Metric]:
    free, total = ([(room.free_bytes,)], [(room.total_bytes,)]) if room else ([], [])
    text = "of the storage of the stores' backups, after the last daily removal; no series where it has no limit."
    yield _gauge("backup_room_free_bytes", f"What is free {text}", free)
    yield _gauge("backup_room_bytes", f"Size {text}", total)


def _process(readiness: Readiness) -> Iterator[Metric]:
    parts = [(part, int(state == OK)) for part, state in readiness.last().items()]
    yield _gauge("part_ready", "1 if the last check of /readyz found the part usable.", parts, ["part"])
    build = (version("storewright"), platform.python_version(), 1)
    yield _gauge("build_info", "Versions of the bot and of Python.", [build], ["version", "python"])


def _workers(workers: int, busy: int, overdue: int) -> Iterator[Metric]:
    yield _gauge("workers", "Number of jobs that can run at once.", [(workers,)])
    yield _gauge("workers_busy", "Number of workers with a job.", [(busy,)])
    yield _gauge("jobs_overdue", "Running jobs past their deadline.", [(overdue,)])


def _gauge(name: str, text: str, rows: Sequence[tuple[object, ...]], labels: Sequence[str] = ()) -> Metric:
    family = GaugeMetricFamily(f"storewright_{name}", text, labels=labels)
    for *values, number in rows:
        family.add_metric([str(value) for value in values], float(str(number)))
    return family


def _histogram(
    name: str, text: str, rows: Sequence[HistogramRow], labels: list[str], bounds: Sequence[float]
) -> Metric:
    family = HistogramMetricFamily(f"storewright_{name}_seconds", text, labels=labels)
    for row in rows:
        buckets = [(str(float(bound)), float(count)) for bound, count in zip(bounds, row.within, strict=True)]
        family.add_metric(list(row.labels), buckets=[*buckets, ("+Inf", row.count)], sum_value=row.seconds)
    return family
