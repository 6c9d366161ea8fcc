"""`python -m dev.charts` (`make docs`): writes each store chart's README.md from its Chart.yaml and values.yaml."""

import sys
from pathlib import Path

from dev.charts import HERE, helm_docs
from dev.cluster.shell import ClusterError, checkout, console, run
from provisioner.catalog import Catalog

TEMPLATE = HERE / "readme.md.gotmpl"


def write_docs(charts: Path) -> list[Path]:
    """Write README.md into every store type's folder under `charts`; returns them. Raises ClusterError."""
    names = sorted(kind.chart.name for kind in Catalog(charts).types.values())
    options = ("--sort-values-order=file", f"--template-files={TEMPLATE}", "--log-level=warning")
    for name in names:
        run(helm_docs(), f"--chart-search-root={charts / name}", *options)
    return [charts / name / "README.md" for name in names]


if __name__ == "__main__":
    try:
        for written in write_docs(checkout / "charts"):
            console.print(f"wrote {written.relative_to(checkout)}")
    except ClusterError as error:
        sys.exit(str(error))
