"""Archives, pushed images, their chart values and SBOMs."""

from __future__ import annotations

import errno
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from dev import images
from dev.cache import TOOLS
from dev.cluster import archive
from dev.images import recipes, sbom
from dev.images.recipes import Image
from dev.stack import free_port
from tests.registry import running_registry
from tests.workers import PORT_OFFSET


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port(5055 + PORT_OFFSET)
    with running_registry(tmp_path_factory.mktemp("registry"), f"127.0.0.1:{port}"):
        yield f"localhost:{port}"


def tiny(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    """A built image that contains one file."""
    monkeypatch.setattr(recipes, "CACHE", folder)
    image = Image(name, folder, "1a", 1, {})
    image.archive.parent.mkdir(exist_ok=True)
    archive.write(image.archive, image.reference, {"bin/busybox": Path("/bin/busybox")}, ["/bin/busybox"])
    return image


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Image]:
    """All images, already built; build/ is in the test's own folder."""
    built = {name: tiny(name, tmp_path, monkeypatch) for name in ("storewright", "medusa", "postgresql")}
    monkeypatch.setattr(images, "store_images", lambda: [built["medusa"], built["postgresql"]])
    monkeypatch.setattr(images, "bot_image", lambda: built["storewright"])
    monkeypatch.setattr(images, "all_images", lambda: list(built.values()))
    for name, path in {"BUILD": "", "OVERLAY": "images.yaml", "VALUES": "values.yaml"}.items():
        monkeypatch.setattr(images, name, tmp_path / "build" / path)
    return built


@pytest.mark.parametrize("disks", [1, 2])
def test_archives_in_build_are_not_links_into_the_cache(
    built: dict[str, Image], disks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    if disks == 2:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    images.build_all_images()
    shutil.copytree(tmp_path / "build/images", tmp_path / "usb/images", symlinks=True)
    for image in built.values():
        image.archive.unlink()
        assert archive.reference(tmp_path / f"usb/images/{image.name}.tar") == f"docker.io/{image.reference}"


def test_push_uploads_all_images_and_pins_their_values_by_digest(
    built: dict[str, Image], registry: str, tmp_path: Path
) -> None:
    images.build_all_images()
    values = yaml.safe_load((tmp_path / "build/values.yaml").read_text())
    assert values["image"] == {"repository": "storewright/storewright", "tag": "1a"}
    assert archive.reference(tmp_path / "build/images/medusa.tar") == "docker.io/storewright/medusa:1a"

    images.push(f"{registry}/shops/")
    values = yaml.safe_load((tmp_path / "build/values.yaml").read_text())
    image_values = {
        "storewright": values["image"],
        "medusa": values["stores"]["values"]["medusa"]["image"],
        "postgresql": values["stores"]["values"]["medusa"]["postgresql"]["image"],
    }
    for name, image in image_values.items():
        tag, _, digest = image["tag"].partition("@")
        assert (image["repository"], tag) == (f"{registry}/shops/storewright/{name}", "1a")
        for reference in (tag, digest):
            found = httpx.get(
                f"http://{registry}/v2/shops/storewright/{name}/manifests/{reference}",
                headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
                trust_env=False,
            )
            assert found.headers["Docker-Content-Digest"] == digest
    assert {file.name for file in (tmp_path / "build/sbom").iterdir()} == {f"{name}.cdx.json" for name in built}


def layered(archive: Path, files: dict[str, bytes]) -> None:
    """Write an image archive with these files in a single layer."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for name, content in files.items():
            _add(tar, name, content)
    with tarfile.open(archive, "w") as tar:
        _add(tar, "layer.tar", layer.getvalue())
        _add(tar, "manifest.json", json.dumps([{"Layers": ["layer.tar"]}]).encode())


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def test_sbom_lists_packages_of_debian_python_npm_and_go(tmp_path: Path) -> None:
    files = {
        "./var/lib/dpkg/status.d/base-files": b"Package: base-files\nVersion: 12.4+deb12u1\nArchitecture: amd64\n",
        "var/lib/dpkg/status": b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\nArchitecture: amd64\n\n"
        b"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n",
        "app/lib/slack_bolt-1.2.dist-info/METADATA": b"Metadata-Version: 2.4\nName: slack-bolt\nVersion: 1.2\n\nText",
        "app/node_modules/@medusajs/medusa/package.json": b'{"name": "@medusajs/medusa", "version": "2.1.0"}',
        "app/node_modules/left/test/package.json": b'{"name": "a-test-of-it", "version": "1.0.0"}',
        "usr/bin/helm": (TOOLS / "bin/helm").read_bytes(),
        "usr/bin/true": b"#!/bin/sh\n",
    }
    layered(tmp_path / "image.tar", files)
    sbom.write(tmp_path / "image.tar", "storewright/x", "1a", tmp_path / "sbom.json")
    text = (tmp_path / "sbom.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    packages = {component["purl"] for component in json.loads(text)["components"]}
    assert {p for p in packages if not p.startswith("pkg:golang/")} == {
        "pkg:deb/debian/base-files@12.4%2Bdeb12u1?arch=amd64&distro=debian-12",
        "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
        "pkg:pypi/slack-bolt@1.2",
        "pkg:npm/%40medusajs/medusa@2.1.0",
    }
    assert any(package.startswith("pkg:golang/helm.sh/helm/v4@v4.") for package in packages)
    assert any(package.startswith("pkg:golang/stdlib@1.") for package in packages)
