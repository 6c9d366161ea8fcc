"""The command line of the image builds."""

import argparse
import sys

from rich.console import Console

from dev.cluster import ClusterError, find
from dev.images import ImageError, build, known, load


def main() -> int:
    """Run the command that was typed; 1 and one sentence on standard error if it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m dev.images", description="Build the store images and load them.")
    parser.add_argument("command", choices=["build", "load", "list"])
    parser.add_argument("--name", default="dev", help="the cluster to load them into (default: dev)")
    options = parser.parse_args()
    try:
        {"build": build, "load": lambda: _load(options.name), "list": _list}[options.command]()
    except (ImageError, ClusterError) as error:
        Console(stderr=True, highlight=False).print(f"images: {error}", style="red", markup=False)
        return 1
    return 0


def _load(name: str) -> None:
    cluster = find(name)
    if cluster is None:
        raise ImageError(f"no cluster {name!r} runs here: start it with `python -m dev.cluster up --name {name}`")
    load(cluster)


def _list() -> None:
    for image in known():
        size = f"{image.archive.stat().st_size / 1e6:.0f} MB" if image.archive.exists() else "not built"
        print(f"{image.reference}  {size}")


if __name__ == "__main__":
    sys.exit(main())
