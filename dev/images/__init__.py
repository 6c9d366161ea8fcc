"""Builds the store images and the bot's own, and gives them to a cluster or a registry (`python -m dev.images`)."""

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
from dev.images.progress import tell
from dev.images.recipes import Image, known, own

__all__ = ["ImageError", "build", "build_everything", "known", "load", "load_own", "own", "push"]

BUILD = CHECKOUT / "build"
OVERLAY = BUILD / "images.yaml"
VALUES = BUILD / "values.yaml"
KEPT = 5  # archives of the bot's own image, which changes with every line of code


def build() -> dict[str, Any]:
    """Build what is missing of the store images, write build/images.yaml and return it: image values by store type.

    Raises ImageError.
    """
    images = known()
    for note in sorted({source.note for image in images for source in image.sources if source.note}):
        tell(note)
    _ensure(images)
    overlay = _overlay({image.name: image.values for image in images})
    BUILD.mkdir(exist_ok=True)
    OVERLAY.write_text(yaml.safe_dump(overlay))
    return overlay


def build_everything() -> None:
    """Build what is missing of all images. In build/ then are the bot's values for them (values.yaml), their archives
    (images/) and their bills of materials (sbom/). Raises ImageError."""
    build()
    _ensure_own()
    for folder in (BUILD / "images", BUILD / "sbom"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for image in [*known(), own()]:
        _link(image.archive, BUILD / "images" / f"{image.name}.tar")
        shutil.copyfile(image.sbom, BUILD / "sbom" / f"{image.name}.cdx.json")
    _write_values({image.name: image.values for image in [*known(), own()]})


def _link(archive: Path, beside: Path) -> None:
    """The file itself, which can be carried away; where the cache is on another disk, its copy."""
    try:
        beside.hardlink_to(archive)
    except OSError:
        shutil.copyfile(archive, beside)


def load(cluster: Cluster) -> None:
    """Give the cluster every store image, building what is missing; it leaves alone what it has.

    Raises ImageError or dev.cluster.ClusterError.
    """
    build()
    for image in known():
        cluster.load_image(image.archive)


def load_own(cluster: Cluster) -> dict[str, Any]:
    """Give the cluster the bot's image, built if it is missing; its values. Raises ImageError or ClusterError."""
    image = _ensure_own()
    cluster.load_image(image.archive)
    return image.values


def push(registry: str) -> None:
    """Build everything and push it; build/values.yaml then says where it is, pinned by digest.

    Raises ImageError or ClusterError.
    """
    build_everything()
    places = {}
    for image in [*known(), own()]:
        repository = f"{registry.rstrip('/')}/storewright/{image.name}"
        digest = push_archive(image.archive, f"{repository}:{image.tag}")
        places[image.name] = image.values | {"repository": repository, "tag": f"{image.tag}@{digest}"}
    _write_values(places)


def _write_values(places: dict[str, dict[str, Any]]) -> None:
    values = {"image": places["storewright"], "stores": {"values": _overlay(places)}}
    VALUES.write_text(yaml.safe_dump(values))


def _ensure(images: list[Image]) -> None:
    if any(not image.archive.exists() for image in images):
        (CACHE / "images").mkdir(parents=True, exist_ok=True)
        with locked(CACHE / "images"):  # two builds at once would do the same work twice
            build_all([image for image in images if not image.archive.exists()])
    for image in images:
        if not image.sbom.exists():
            sbom.write(image.archive, f"storewright/{image.name}", image.tag, image.sbom)


def _ensure_own() -> Image:
    image = own()
    _ensure([image])
    archives = sorted(image.archive.parent.glob(f"{image.name}-*.tar"), key=lambda archive: archive.stat().st_mtime)
    for old in archives[:-KEPT]:
        if old != image.archive:
            old.unlink(missing_ok=True)
            old.with_suffix(".cdx.json").unlink(missing_ok=True)
    return image


def _overlay(places: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """By store type: the part of its chart's values that names images built here, with where they are."""
    charts = sorted((CHECKOUT / "charts").glob("*/values.yaml"))
    found = {chart.parent.name: _built(yaml.safe_load(chart.read_text()), places) for chart in charts}
    return {store_type: values for store_type, values in found.items() if values and store_type != "storewright"}


def _built(values: Any, places: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The part of a chart's values that has `repository: storewright/<image>` of one of these places, filled in."""
    if not isinstance(values, dict):
        return {}
    name = str(values.get("repository", "")).removeprefix("storewright/")
    if name in places:
        return places[name]
    found = {key: _built(value, places) for key, value in values.items()}
    return {key: value for key, value in found.items() if value}
