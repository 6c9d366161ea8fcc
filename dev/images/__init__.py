"""Builds the images under images/ and gives them to a cluster (`python -m dev.images build|load|list`)."""

from pathlib import Path
from typing import Any

import yaml

from dev.cluster import Cluster
from dev.cluster.site import locked
from dev.images.builders import build_all
from dev.images.errors import ImageError
from dev.images.progress import tell
from dev.images.recipes import CACHE, CHECKOUT, Image, known

__all__ = ["ImageError", "build", "known", "load"]

OVERLAY = CHECKOUT / "build" / "images.yaml"


def build() -> dict[str, Any]:
    """Build what is not in the cache, write build/images.yaml and return its content: image values by store type.

    Raises ImageError.
    """
    images = known()
    for note in sorted({source.note for image in images for source in image.sources if source.note}):
        tell(note)
    if any(not image.archive.exists() for image in images):
        (CACHE / "images").mkdir(parents=True, exist_ok=True)
        with locked(CACHE / "images"):  # two builds at once would do the same work twice
            build_all([image for image in images if not image.archive.exists()])
    overlay = {chart.parent.name: _built(yaml.safe_load(chart.read_text()), images) for chart in _values()}
    OVERLAY.parent.mkdir(exist_ok=True)
    OVERLAY.write_text(yaml.safe_dump({store_type: found for store_type, found in overlay.items() if found}))
    return yaml.safe_load(OVERLAY.read_text()) or {}


def load(cluster: Cluster) -> None:
    """Give the cluster every image, building what is missing; it leaves alone what it has.

    Raises ImageError or dev.cluster.ClusterError.
    """
    build()
    for image in known():
        cluster.load_image(image.archive)


def _values() -> list[Path]:
    return sorted((CHECKOUT / "charts").glob("*/values.yaml"))


def _built(values: Any, images: list[Image]) -> dict[str, Any]:
    """The part of a chart's values that names images built here (`repository: storewright/<image>`), as built."""
    if not isinstance(values, dict):
        return {}
    for image in images:
        if values.get("repository") == f"storewright/{image.name}":
            return image.values
    found = {key: _built(value, images) for key, value in values.items()}
    return {key: value for key, value in found.items() if value}
