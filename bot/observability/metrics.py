"""What Prometheus scrapes: the ledger's own numbers at that moment, and counts of our calls to Slack and runs of helm.

Every name here is one that `charts/storewright/files` may ask for; a test scrapes them and asks."""

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

READY_BUCKETS = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900)  # seconds; 900 is the longest by default
STAGE_BUCKETS = (0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 900)
CREATIONS_END = ("ready", "failed")
HELM_VERBS = ("version", "list", "history", "template", "upgrade", "rollback")
HELM_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120)


class Metrics:
    """One registry. `slack_calls` counts by method and outcome: ok, Slack's error word (ratelimited is a 429),
    unreachable. `helm_runs` are timed by verb and outcome: ok, refused, transient (tried again) or stopped (by us)."""

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
        for verb in HELM_VERBS:  # a series that begins at 1 has not increased: alerts would miss the first
            self.helm_runs.labels(verb, "refused")

    def ran_helm(self, verb: str, outcome: str, seconds: float) -> None:
        """Count one run of helm."""
        self.helm_runs.labels(verb, outcome).observe(seconds)

    def watch(self, ledger: Ledger, backups: Backups, types: Collection[str]) -> None:
        """Add the ledger's numbers and its backups', read at each scrape; `types` are the stores' that there can be."""
        self.registry.register(_Read(lambda: [*_work(ledger), *_durations(ledger, types), *_files(ledger, backups)]))

    def watch_readiness(self, readiness: Readiness) -> None:
        """Add what the bot can use, as it was last asked for: a scrape does not dial anybody."""
        self.registry.register(_Read(lambda: [*_self(readiness)]))

    def watch_work(self, workers: int, held: Callable[[], tuple[int, int]]) -> None:
        """Add what the bot is doing: `held` gives how many workers have a job, and how many past its deadline."""
        self.registry.register(_Read(lambda: [*_workers(workers, *held())]))


class _Read(Collector):
    """Metrics that are made when they are read."""

    def __init__(self, read: Callable[[], Sequence[Metric]]) -> None:
        self._read = read

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._read()


def _work(ledger: Ledger) -> Iterator[Metric]:
    counts = ledger.statistics.counts()
    yield _gauge("jobs", "Jobs by kind and status.", counts.jobs, ["kind", "status"])
    yield _gauge("stores", "Stores by type and status.", counts.stores, ["type", "status"])
    yield _gauge("outbox_due", "Messages that still have to be sent.", [(counts.outbox_due,)])
    yield _gauge("outbox_dead", "Messages that could not be sent and were given up.", [(counts.outbox_dead,)])
    yield _gauge("queue_jobs", "Jobs that have not started yet.", [(counts.queued,)])
    yield _gauge("queue_oldest_seconds", "Age of the oldest of them.", [(counts.oldest_queued_seconds,)])


def _durations(ledger: Ledger, types: Collection[str]) -> Iterator[Metric]:
    ready, stages = ledger.statistics.ready_seconds(READY_BUCKETS), ledger.statistics.stage_seconds(STAGE_BUCKETS)
    none_yet = {
        labels: HistogramRow(labels, (0,) * len(READY_BUCKETS), 0, 0) for labels in product(types, CREATIONS_END)
    }
    ready = list((none_yet | {spread.labels: spread for spread in ready}).values())  # zeros, for alerts as above
    yield _histogram("ready", "From the order to Ready, or to failure.", ready, ["type", "outcome"], READY_BUCKETS)
    yield _histogram("stage", "Stages that were completed.", stages, ["kind", "stage", "type"], STAGE_BUCKETS)


def _files(ledger: Ledger, backups: Backups) -> Iterator[Metric]:
    newest = backups.newest()
    yield _gauge("ledger_bytes", "Size of the ledger.", [(ledger.statistics.size_bytes(),)])
    yield _gauge("ledger_free_bytes", "Room on its volume.", [(shutil.disk_usage(ledger.path.parent).free,)])
    yield _gauge("ledger_backups", "Backups kept.", [(len(backups.kept()),)])
    yield _gauge("ledger_backup_bytes", "Size of the newest backup.", [(newest.bytes if newest else 0,)])
    made_at = "When the newest backup was made (epoch), 0 for never."
    yield _gauge("ledger_backup_timestamp_seconds", made_at, [(newest.made_at if newest else 0,)])
    yield _gauge("ledger_backup_interval_seconds", "How often one is made.", [(backups.every,)])


def _self(readiness: Readiness) -> Iterator[Metric]:
    parts = [(part, int(state == OK)) for part, state in readiness.last().items()]
    yield _gauge("part_ready", "1 where a part was usable when /readyz was last asked.", parts, ["part"])
    build = (version("storewright"), platform.python_version(), 1)
    yield _gauge("build_info", "This bot.", [build], ["version", "python"])


def _workers(workers: int, busy: int, overdue: int) -> Iterator[Metric]:
    yield _gauge("workers", "How many jobs may run at once.", [(workers,)])
    yield _gauge("workers_busy", "How many do.", [(busy,)])
    yield _gauge("jobs_overdue", "Jobs at work past their deadline.", [(overdue,)])


def _gauge(name: str, text: str, rows: Sequence[tuple[object, ...]], labels: Sequence[str] = ()) -> Metric:
    family = GaugeMetricFamily(f"storewright_{name}", text, labels=labels)
    for *values, number in rows:
        family.add_metric([str(value) for value in values], float(str(number)))
    return family


def _histogram(
    name: str, text: str, spreads: Sequence[HistogramRow], labels: list[str], bounds: Sequence[float]
) -> Metric:
    family = HistogramMetricFamily(f"storewright_{name}_seconds", text, labels=labels)
    for spread in spreads:
        within = [(str(float(most)), float(count)) for most, count in zip(bounds, spread.within, strict=True)]
        family.add_metric(list(spread.labels), buckets=[*within, ("+Inf", spread.count)], sum_value=spread.seconds)
    return family
