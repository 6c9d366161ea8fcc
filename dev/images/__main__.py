"""The command line of the image builds."""

import argparse
import sys

from rich.console import Console

from dev.cluster import ClusterError, find
from dev.images import ImageError, build_everything, known, load, own, push


def main() -> int:
    """Run the command that was typed; 1 and one sentence on standard error if it could not be done."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.images", description="Build all images and bring them somewhere."
    )
    parser.add_argument("command", choices=["build", "load", "list", "push"])
    parser.add_argument("registry", nargs="?", help="where to push to, such as registry.example.com/team")
    parser.add_argument("--name", default="dev", help="the cluster to load store images into (default: dev)")
    options = parser.parse_args()
    try:
        match options.command:
            case "build":
                build_everything()
            case "load":
                _load(options.name)
            case "push":
                _push(options.registry)
            case "list":
                _list()
    except (ImageError, ClusterError) as error:
        Console(stderr=True, highlight=False).print(f"images: {error}", style="red", markup=False)
        return 1
    return 0


def _load(name: str) -> None:
    cluster = find(name)
    if cluster is None:
        raise ImageError(f"no cluster {name!r} runs here: start it with `python -m dev.cluster up --name {name}`")
    load(cluster)


def _push(registry: str | None) -> None:
    if not registry:
        raise ImageError("push needs to know where to: `python -m dev.images push registry.example.com/team`")
    push(registry)
    print("Pushed. build/values.yaml says where, pinned by digest: helm install … --values build/values.yaml")


def _list() -> None:
    for image in [*known(), own()]:
        size = f"{image.archive.stat().st_size / 1e6:.0f} MB" if image.archive.exists() else "not built"
        print(f"{image.reference}  {size}")


if __name__ == "__main__":
    sys.exit(main())
