"""`make bench`: for each store type, from a typed command to Ready beside the bare boot of the same containers."""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from dev import cluster as clusters
from dev import images
from dev.cluster import Cluster
from dev.stack import ROOT, Stack
from provisioner.catalog import Catalog, StoreType
from tests.bench import floor, orders, shop

RESULTS = ROOT / "build/bench"
console = Console()


@dataclass
class Figures:
    """What was measured of one store type: `seconds` by what was timed, the rest by container, page or image."""

    seconds: dict[str, list[float]]
    memory_mb: dict[str, float] = field(default_factory=dict)
    page_ms: dict[str, float] = field(default_factory=dict)
    image_mb: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """How many times the floor an order takes, by their medians."""
        return statistics.median(self.seconds[orders.READY]) / statistics.median(self.seconds["floor"])


def main() -> None:
    catalog = Catalog(ROOT / "charts")
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure orders, memory, pages, images.")
    parser.add_argument("--rounds", type=int, default=5, help="orders of each type (default: 5)")
    parser.add_argument("types", nargs="*", metavar="TYPE", help=f"which ones, of: {', '.join(catalog.types)} (all)")
    options = parser.parse_args()
    overlay = images.build()
    cluster = clusters.up("test")
    images.load(cluster)
    measured = {}
    for kind in [catalog.get(name) for name in options.types or catalog.types]:
        measured[kind.name] = _measure(cluster, kind, overlay.get(kind.name, {}), options.rounds)
        _report(kind, measured[kind.name], options.rounds)
    cluster.down()
    RESULTS.mkdir(parents=True, exist_ok=True)
    told = {name: {**figures.__dict__, "ratio": figures.ratio} for name, figures in measured.items()}
    (RESULTS / "ready.json").write_text(json.dumps(told, indent=2))


def _measure(cluster: Cluster, kind: StoreType, overlay: dict[str, Any], rounds: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), cluster, {"CREATIONS_PER_HOUR": "100"})
        try:
            stack.start()
            figures = Figures({orders.READY: orders.seconds(stack, kind.name, rounds)})
            with orders.store(stack, kind.name, "rest-shop"):
                figures.page_ms = shop.pages(cluster, stack.addresses.host("rest-shop"))
                figures.memory_mb = shop.memory(cluster, stack.addresses.namespace("rest-shop"))
        finally:
            stack.stop()
        figures.seconds |= orders.stages(stack)
    figures.seconds["floor"] = [floor.bare_boot(cluster, kind, overlay) for _ in range(rounds)]
    figures.image_mb = _sizes(overlay)
    return figures


def _sizes(overlay: dict[str, Any]) -> dict[str, float]:
    """Compressed MB of the images a store type names, as a registry would hold them."""
    used = json.dumps(overlay)
    found = {}
    for image in images.known():
        if f'storewright/{image.name}"' in used:
            with image.archive.open("rb") as archive, tempfile.TemporaryFile() as packed:
                with gzip.open(packed, "wb", compresslevel=6) as squeezed:
                    shutil.copyfileobj(archive, squeezed)
                found[image.name] = packed.tell() / 1e6
    return found


def _report(kind: StoreType, figures: Figures, rounds: int) -> None:
    table = Table("", "median", "min", "max", title=f"{kind.label}: seconds, {rounds} rounds, images on the node")
    for name, values in figures.seconds.items():
        table.add_row(name, *(f"{figure(values):.2f}" for figure in (statistics.median, min, max)))
    console.print(table)
    console.print(f"An order takes {figures.ratio:.2f} times the bare boot of the same containers (floor).")
    for title, unit, found in (
        ("Memory at rest", "MB", figures.memory_mb),
        ("Pages, median", "ms", figures.page_ms),
        ("Images, compressed", "MB", figures.image_mb),
    ):
        console.print(f"{title}: " + ", ".join(f"{name} {value:.0f} {unit}" for name, value in found.items()))


if __name__ == "__main__":
    main()
