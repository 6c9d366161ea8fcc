"""Writes each chart's README.md from its Chart.yaml and values.yaml (`make docs`)."""

import sys
from pathlib import Path

from dev.cache import CHECKOUT
from dev.charts import HERE, helm_docs
from dev.cluster.process import ClusterError, console, run
from provisioner.domain.catalog import Catalog


def write_docs(charts: Path) -> list[Path]:
    """Write the README.md of every chart under `charts` that has values.yaml. Raises ClusterError."""
    stores, written = Catalog(charts).types, []
    for chart in sorted(values.parent for values in charts.glob("*/values.yaml")):
        template = HERE / ("store.md.gotmpl" if chart.name in stores else "bot.md.gotmpl")
        options = ("--sort-values-order=file", f"--template-files={template}", "--log-level=warning")
        run(helm_docs(), f"--chart-search-root={chart}", *options)
        written.append(chart / "README.md")
    return written


if __name__ == "__main__":
    try:
        for written in write_docs(CHECKOUT / "charts"):
            console.print(f"wrote {written.relative_to(CHECKOUT)}")
    except ClusterError as error:
        sys.exit(str(error))
