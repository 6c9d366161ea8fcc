"""The command line of the image builds."""

import argparse
import sys

from rich.console import Console

from dev.cluster import ClusterError, find
from dev.images import ImageError, all_images, build_all_images, push


def main() -> int:
    """Run the command.

    Returns 1 and prints an error message if it fails."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.images", description="Build the images, load them into a cluster or push them."
    )
    parser.add_argument("command", choices=["build", "load", "list", "push"])
    parser.add_argument("registry", nargs="?", help="registry for `push`, such as registry.example.com/team")
    parser.add_argument("--name", default="dev", help="local cluster for `load` (default: dev)")
    options = parser.parse_args()
    try:
        match options.command:
            case "build":
                build_all_images()
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
        raise ImageError(f"cluster {name!r} is not running; start it with `python -m dev.cluster up --name {name}`")
    build_all_images()
    for image in all_images():
        cluster.load_image(image.archive)


def _push(registry: str | None) -> None:
    if not registry:
        raise ImageError("`push` needs a registry: `python -m dev.images push registry.example.com/team`")
    push(registry)
    print("Pushed. build/values.yaml names all images, pinned by digest: helm install … --values build/values.yaml")


def _list() -> None:
    for image in all_images():
        size = f"{image.archive.stat().st_size / 1e6:.0f} MB" if image.archive.exists() else "not built"
        print(f"{image.reference}  {size}")


if __name__ == "__main__":
    sys.exit(main())
