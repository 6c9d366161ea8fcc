"""Reads and writes image archives, the tar files of `docker save`."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Sequence
from pathlib import Path

from dev.cluster.process import ClusterError


def reference(archive: Path) -> str:
    """The full name of the single image in an archive.

    Raises ClusterError if the file is not an archive of one tagged image."""
    try:
        with tarfile.open(archive) as tar:
            manifest = tar.extractfile("manifest.json")
            tags = [tag for image in json.load(manifest or io.BytesIO(b"[]")) for tag in image["RepoTags"] or []]
    except (OSError, KeyError, tarfile.TarError) as error:
        raise ClusterError(
            f"{archive} is not an image archive ({error}); create one with `docker save` or buildah"
        ) from error
    if len(tags) != 1:
        raise ClusterError(
            f"{archive} must contain one tagged image, but its tags are {tags}; save a single image by its name"
        )
    return full_name(tags[0])


def full_name(tag: str) -> str:
    """An image's name with its registry and namespace, which short names omit."""
    first, _, rest = tag.partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        return tag
    return f"docker.io/{tag}" if rest else f"docker.io/library/{tag}"


def write(archive: Path, tag: str, files: dict[str, Path], entrypoint: Sequence[str]) -> None:
    """Write an image that contains only executable files.

    `files` maps a path in the image to a path on this machine."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for name, source in files.items():
            _add(tar, name, source.read_bytes(), 0o755)
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
        "os": "linux",
        "config": {"Entrypoint": list(entrypoint)},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": ["layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        _add(tar, "layer.tar", layer.getvalue())
        _add(tar, "config.json", json.dumps(config).encode())
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
