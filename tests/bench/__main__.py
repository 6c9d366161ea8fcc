"""`make bench`: each store type from the command to Ready, compared with its baseline; the executors; the bot.

Each part writes its own file under build/bench."""

from __future__ import annotations

import argparse
import gzip
import json
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from dev import cluster as clusters
from dev import images
from dev.cluster import Cluster
from dev.stack import ROOT, Stack, remove_stores
from provisioner.domain.catalog import Catalog, StoreType
from tests.bench import acks, baseline, bot, data, executors, orders, rest, sleep, store_usage, timeline
from tests.e2e.sample_type import SampleType, load_image

RESULTS = ROOT / "build/bench"
BASELINE = "baseline"
BOT_STARTS = 10
PARTS = ("ready", "data", "sleep", "rest", "executors", "bot", "up")
console = Console()


@dataclass
class Figures:
    """The measurements of one store type: seconds by what was timed, the rest by container, page or image."""

    seconds: dict[str, list[float]]
    memory_mb: dict[str, float] = field(default_factory=dict)
    page_ms: dict[str, float] = field(default_factory=dict)
    image_mb: dict[str, float] = field(default_factory=dict)
    marks: list[timeline.Mark] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median time of an order, divided by the median time of the baseline."""
        return statistics.median(self.seconds[orders.READY]) / statistics.median(self.seconds[BASELINE])


def main() -> None:
    catalog = Catalog(ROOT / "charts")
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure orders, memory, pages, images.")
    parser.add_argument("--rounds", type=int, default=5, help="orders of each type (default: 5)")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument("types", nargs="*", metavar="TYPE", help=f"which ones, of: {', '.join(catalog.types)} (all)")
    options = parser.parse_args()
    overlay = images.build_store_images()
    cluster = clusters.up("test")
    images.load_store_images(cluster)
    types = [catalog.get(name) for name in options.types or catalog.types]
    bench = Bench(cluster, types, overlay, options.rounds)
    for part in options.parts:
        _write(part, getattr(bench, part)())
    cluster.down()


@dataclass(frozen=True)
class Bench:
    """The parts, each a method of its name. They return the figures for their files."""

    cluster: Cluster
    types: list[StoreType]
    overlay: dict[str, Any]
    rounds: int

    def ready(self) -> dict[str, Any]:
        measured = {}
        for kind in self.types:
            measured[kind.name] = _measure(self.cluster, kind, self.overlay.get(kind.name, {}), self.rounds)
            _report(kind, measured[kind.name], self.rounds)
        return {name: {**asdict(figures), "ratio": figures.ratio} for name, figures in measured.items()}

    def data(self) -> dict[str, Any]:
        return {kind.name: _measure_data(self.cluster, kind, self.rounds) for kind in self.types}

    def sleep(self) -> dict[str, Any]:
        return {kind.name: _measure_sleep(self.cluster, kind, self.rounds) for kind in self.types}

    def rest(self) -> dict[str, Any]:
        return _measure_rest(self.cluster)

    def executors(self) -> dict[str, Any]:
        by_executor = executors.seconds(self.cluster, self.rounds)
        _tabulate(f"The same small order by each executor: seconds, {self.rounds} rounds", by_executor)
        return by_executor

    def bot(self) -> dict[str, Any]:
        return _measure_bot(self.cluster, self.types[0])

    def up(self) -> dict[str, Any]:
        second_up = {"up while it runs": [_seconds_of_up() for _ in range(self.rounds)]}
        _tabulate(f"The local cluster: seconds, {self.rounds} rounds", second_up)
        return second_up


def _write(part: str, figures: dict[str, Any]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{part}.json").write_text(json.dumps(figures, indent=2))


def _seconds_of_up() -> float:
    start = time.monotonic()
    clusters.up("test")
    return time.monotonic() - start


def _measure(cluster: Cluster, kind: StoreType, overlay: dict[str, Any], rounds: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), cluster, {"UNDELETE_DAYS": "0", "CREATIONS_PER_HOUR": "100"})
        try:
            stack.start()
            figures = Figures({orders.READY: orders.seconds(stack, kind.name, rounds)})
            figures.marks = timeline.of_order(stack, cluster, kind.name, "timed-shop")
            with orders.store(stack, kind.name, "measured-shop"):
                figures.page_ms = store_usage.pages(cluster, stack.addresses.host("measured-shop"))
                figures.memory_mb = store_usage.memory(cluster, stack.addresses.namespace("measured-shop"))
        finally:
            stack.stop()
        figures.seconds |= orders.stages(stack)
    figures.seconds[BASELINE] = [baseline.bare_boot(cluster, kind, overlay) for _ in range(rounds)]
    figures.image_mb = _sizes(overlay)
    return figures


@contextmanager
def _running_bot(cluster: Cluster, **settings: str) -> Iterator[Stack]:
    """A bot with its local Slack; its stores are removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), cluster, settings)
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()
            remove_stores(cluster, stack.folder, "--wait=false")


def _measure_data(cluster: Cluster, kind: StoreType, rounds: int) -> dict[str, Any]:
    with _running_bot(cluster, CREATIONS_PER_HOUR="100") as stack:
        seconds, requests = data.seconds(stack, cluster, kind.name, rounds)
    _tabulate(f"{kind.label}: its data, seconds from the order, {rounds} rounds", seconds)
    console.print(f"During backups and clones: {requests['answered']} requests answered, {requests['failed']} failed.")
    return {"seconds": seconds, "requests": requests}


def _measure_sleep(cluster: Cluster, kind: StoreType, rounds: int) -> dict[str, list[float]]:
    with _running_bot(cluster, UNDELETE_DAYS="0") as stack:
        stack.start_backup_server()
        seconds = sleep.seconds(stack, cluster, kind.name, rounds)
    _tabulate(f"{kind.label}: asleep and awake, seconds, {rounds} rounds", seconds)
    return seconds


def _measure_rest(cluster: Cluster) -> dict[str, dict[str, float]]:
    """With a type of tiny pods: what a store's engine takes is in `ready`."""
    with tempfile.TemporaryDirectory() as folder:
        load_image(cluster, Path(folder))
        charts = SampleType(Path(folder) / "charts").charts
        limits = {"STORES_PER_PERSON": "100", "CREATIONS_PER_HOUR": "100"}
        with _running_bot(cluster, CHARTS_DIR=str(charts), UNDELETE_DAYS="0", **limits) as stack:
            found = rest.measure(stack, cluster, "leaflet")
    table = Table("", "memory, MB", "API requests in a minute", title="At rest")
    for state, figures in found.items():
        table.add_row(state, f"{figures['memory_mb']:.0f}", f"{figures['requests_per_minute']:.0f}")
    console.print(table)
    return found


def _sizes(overlay: dict[str, Any]) -> dict[str, float]:
    """Compressed MB of a store type's images, by image."""
    used = json.dumps(overlay)
    return {
        image.name: _compressed_mb(image.archive)
        for image in images.store_images()
        if f'storewright/{image.name}"' in used
    }


def _compressed_mb(archive: Path) -> float:
    """The MB of an image archive, compressed as in a registry."""
    with archive.open("rb") as plain, tempfile.TemporaryFile() as target:
        with gzip.open(target, "wb", compresslevel=6) as compressed:
            shutil.copyfileobj(plain, compressed)
        return target.tell() / 1e6


def _measure_bot(cluster: Cluster, kind: StoreType) -> dict[str, Any]:
    in_cluster, memory_mb = bot.measure(cluster, BOT_STARTS)
    with tempfile.TemporaryDirectory() as folder:
        settings = {"UNDELETE_DAYS": "0", "CREATIONS_PER_HOUR": "100", "WORKERS": str(acks.STORES)}
        stack = Stack(Path(folder), cluster, settings)
        try:
            stack.start()
            as_process, processor = bot.process_starts(stack, BOT_STARTS)
            answers, refusals = acks.seconds(stack, kind.name)
        finally:
            stack.stop()
            remove_stores(cluster, stack.folder)
    acked, refused = ([answer for answer in found if answer is not None] for found in (answers, refusals))
    starts = {"in the cluster": in_cluster, "as a process": as_process, "  processor": processor}
    _tabulate(f"The bot, from its start to ready: seconds, {BOT_STARTS} starts", starts)
    title = f"{acks.COMMANDS} commands at once while {acks.STORES} stores are made: seconds"
    _tabulate(title, {"to the ack": acked, "to the refusal of a wrong signature": refused})
    image_mb = _compressed_mb(images.bot_image().archive)
    share = f"99 % of them within {1000 * acks.p99(acked):.0f} ms"
    console.print(f"{len(acked)} were acknowledged within 3 s, {share}.")
    console.print(f"Memory at rest: {memory_mb:.0f} MB. Image, compressed: {image_mb:.0f} MB.")
    waits = {"start_seconds": starts, "ack_seconds": answers, "refusal_seconds": refusals}
    return {**waits, "memory_mb": memory_mb, "image_mb": image_mb}


def _report(kind: StoreType, figures: Figures, rounds: int) -> None:
    _tabulate(f"{kind.label}: seconds, {rounds} rounds, images on the node", figures.seconds)
    console.print(f"An order takes {figures.ratio:.2f} times the baseline, the bare boot of the same containers.")
    _print_marks(kind, figures.marks)
    for title, unit, found in (
        ("Memory at rest", "MB", figures.memory_mb),
        ("Pages, median", "ms", figures.page_ms),
        ("Images, compressed", "MB", figures.image_mb),
    ):
        console.print(f"{title}: " + ", ".join(f"{name} {value:.0f} {unit}" for name, value in found.items()))


def _print_marks(kind: StoreType, marks: list[timeline.Mark]) -> None:
    table = Table("at", "what", "whose time", title=f"{kind.label}: one order, seconds after the command")
    for mark in marks:
        table.add_row(f"{mark.at:.1f}", mark.what, mark.part)
    console.print(table)
    parts = timeline.by_part(marks)
    console.print("Of that: " + ", ".join(f"{part} {seconds:.1f} s" for part, seconds in parts.items()))


def _tabulate(title: str, seconds: dict[str, list[float]]) -> None:
    table = Table("", "median", "min", "p95", "max", title=title)
    for name, values in seconds.items():
        table.add_row(name, *(f"{figure(values):.2f}" for figure in (statistics.median, min, _p95, max)))
    console.print(table)


def _p95(values: list[float]) -> float:
    """The smallest value that 95 % of them do not exceed (nearest rank)."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


if __name__ == "__main__":
    main()
