"""Builds, loads and pushes the images (`python -m dev.images`)."""

import os
import shutil
from pathlib import Path
from typing import Any

import yaml

from dev.cache import CACHE, CHECKOUT
from dev.cluster import Cluster
from dev.cluster.external import push as push_archive
from dev.cluster.layout import locked
from dev.images import sbom
from dev.images.builders import build_all
from dev.images.errors import ImageError
from dev.images.progress import print_once
from dev.images.recipes import Image, all_images, bot_image, store_images

__all__ = [
    "ImageError",
    "all_images",
    "bot_image",
    "build_all_images",
    "build_store_images",
    "load_bot_image",
    "load_store_images",
    "push",
    "store_images",
]

BUILD = CHECKOUT / "build"
OVERLAY = BUILD / "images.yaml"
VALUES = BUILD / "values.yaml"
BOT_ARCHIVES_KEPT = 5  # the bot's image changes with every line of code


def build_store_images() -> dict[str, Any]:
    """Build the missing store images and write build/images.yaml.

    Returns its content: image values by store type.
    Raises ImageError.
    """
    images = store_images()
    for note in sorted({source.note for image in images for source in image.sources if source.note}):
        print_once(note)
    _ensure(images)
    overlay = _overlay({image.name: image.values for image in images})
    BUILD.mkdir(exist_ok=True)
    unfinished = OVERLAY.with_suffix(f".{os.getpid()}")  # other processes never read half a file
    unfinished.write_text(yaml.safe_dump(overlay))
    unfinished.rename(OVERLAY)
    return overlay


def build_all_images() -> None:
    """Build all missing images.

    Writes to build/: the bot's values for them (values.yaml), their archives (images/) and SBOMs (sbom/).
    Raises ImageError."""
    build_store_images()
    _ensure_bot_image()
    for folder in (BUILD / "images", BUILD / "sbom"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    images = all_images()
    for image in images:
        _link(image.archive, BUILD / "images" / f"{image.name}.tar")
        shutil.copyfile(image.sbom, BUILD / "sbom" / f"{image.name}.cdx.json")
    _write_values({image.name: image.values for image in images})


def _link(archive: Path, target: Path) -> None:
    """Hard-link the archive to `target`, or copy it across disks.

    A symbolic link would break when build/ is copied to another machine."""
    try:
        target.hardlink_to(archive)
    except OSError:
        shutil.copyfile(archive, target)


def load_store_images(cluster: Cluster) -> None:
    """Build the missing store images and load them into the cluster.

    Raises ImageError or dev.cluster.ClusterError.
    """
    build_store_images()
    for image in store_images():
        cluster.load_image(image.archive)


def load_bot_image(cluster: Cluster) -> dict[str, Any]:
    """Build the bot's image if missing and load it into the cluster.

    Returns its chart values.
    Raises ImageError or ClusterError."""
    image = _ensure_bot_image()
    cluster.load_image(image.archive)
    return image.values


def push(registry: str) -> None:
    """Build and push all images.

    `build/values.yaml` then contains their repositories, pinned by digest.
    Raises ImageError or ClusterError.
    """
    build_all_images()
    pushed = {}
    for image in all_images():
        repository = f"{registry.rstrip('/')}/storewright/{image.name}"
        digest = push_archive(image.archive, f"{repository}:{image.tag}")
        pushed[image.name] = image.values | {"repository": repository, "tag": f"{image.tag}@{digest}"}
    _write_values(pushed)


def _write_values(image_values: dict[str, dict[str, Any]]) -> None:
    own = _chart_overlay(yaml.safe_load((CHECKOUT / "charts/storewright/values.yaml").read_text()), image_values)
    VALUES.write_text(yaml.safe_dump({**own, "stores": {"values": _overlay(image_values)}}))


def _ensure(images: list[Image]) -> None:
    if any(not image.archive.exists() for image in images):
        (CACHE / "images").mkdir(parents=True, exist_ok=True)
        with locked(CACHE / "images"):  # a second process would build the same images
            build_all([image for image in images if not image.archive.exists()])
    for image in images:
        if not image.sbom.exists():
            sbom.write(image.archive, f"storewright/{image.name}", image.tag, image.sbom)


def _ensure_bot_image() -> Image:
    image = bot_image()
    _ensure([image])
    archives = sorted(image.archive.parent.glob(f"{image.name}-*.tar"), key=lambda archive: archive.stat().st_mtime)
    for old in archives[:-BOT_ARCHIVES_KEPT]:
        if old != image.archive:
            old.unlink(missing_ok=True)
            old.with_suffix(".cdx.json").unlink(missing_ok=True)
    return image


def _overlay(image_values: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """For each store type: the image values of its chart, filled in."""
    charts = sorted((CHECKOUT / "charts").glob("*/values.yaml"))
    overlays = {chart.parent.name: _chart_overlay(yaml.safe_load(chart.read_text()), image_values) for chart in charts}
    return {store_type: values for store_type, values in overlays.items() if values and store_type != "storewright"}


def _chart_overlay(values: Any, image_values: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The image values in a chart's values, filled in.

    An image's values are those with `repository: storewright/<image>`."""
    if not isinstance(values, dict):
        return {}
    name = str(values.get("repository", "")).removeprefix("storewright/")
    if name in image_values:
        return image_values[name]
    overlays = {key: _chart_overlay(value, image_values) for key, value in values.items()}
    return {key: overlay for key, overlay in overlays.items() if overlay}
