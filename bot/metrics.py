"""What Prometheus scrapes: the ledger's own numbers at that moment, and counts of our calls to Slack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from provisioner.ledger import Ledger

READY_BUCKETS = (5, 10, 15, 20, 30, 45, 60, 120, 300, 900)  # seconds


class Metrics:
    """One registry. `slack_calls` counts by method and outcome: ok, Slack's error word (ratelimited is a 429),
    unreachable."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.slack_calls = Counter(
            "storewright_slack_calls", "Calls to Slack's Web API.", ["method", "outcome"], registry=self.registry
        )

    def watch(self, ledger: Ledger) -> None:
        """Add the ledger's numbers, read at each scrape."""
        self.registry.register(_LedgerNumbers(ledger))


class _LedgerNumbers(Collector):
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        counts = self._ledger.counts()
        yield _gauge("jobs", "Jobs by kind and status.", counts["jobs"], ["kind", "status"])
        yield _gauge("stores", "Stores by type and status.", counts["stores"], ["type", "status"])
        yield _gauge("outbox_due", "Messages not told yet.", counts["outbox"], [])
        [(waiting, oldest)] = counts["queue"]
        yield _gauge("queue_jobs", "Jobs that wait for a worker.", [(waiting,)], [])
        yield _gauge("queue_oldest_seconds", "How long the oldest has waited.", [(oldest,)], [])
        yield _ready_seconds(counts["ready_seconds"])


def _gauge(name: str, text: str, rows: Sequence[tuple[object, ...]], labels: list[str]) -> Metric:
    family = GaugeMetricFamily(f"storewright_{name}", text, labels=labels)
    for *values, number in rows:
        family.add_metric([str(value) for value in values], float(str(number)))
    return family


def _ready_seconds(rows: Sequence[tuple[object, ...]]) -> Metric:
    family = HistogramMetricFamily("storewright_ready_seconds", "From the order to Ready.", labels=["type"])
    for kind in sorted({str(row[0]) for row in rows}):
        times = [float(str(seconds)) for type_name, seconds in rows if type_name == kind]
        buckets = [(str(float(most)), float(sum(t <= most for t in times))) for most in READY_BUCKETS]
        family.add_metric([kind], buckets=[*buckets, ("+Inf", float(len(times)))], sum_value=sum(times))
    return family
