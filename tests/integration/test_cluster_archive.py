"""Image archives: write, read, and refuse other files."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from dev.cluster import archive
from dev.cluster.process import ClusterError


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("storewright/medusa:1a", "docker.io/storewright/medusa:1a"),
        ("busybox:1", "docker.io/library/busybox:1"),
        ("localhost/medusa:1a", "localhost/medusa:1a"),
        ("registry.example/a/b:1", "registry.example/a/b:1"),
        ("registry:5000/b:1", "registry:5000/b:1"),
    ],
)
def test_full_name_adds_default_registry_and_namespace(tag: str, name: str) -> None:
    assert archive.full_name(tag) == name


def test_written_archive_contains_files_and_name(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    archive.write(tmp_path / "image.tar", "storewright/x:1", {"bin/program": program}, ["/bin/program"])
    assert archive.reference(tmp_path / "image.tar") == "docker.io/storewright/x:1"
    with tarfile.open(tmp_path / "image.tar") as image:
        config = json.load(image.extractfile("config.json") or pytest.fail("no config"))
        with tarfile.open(fileobj=image.extractfile("layer.tar")) as layer:
            entry = layer.getmember("bin/program")
    assert config["config"]["Entrypoint"] == ["/bin/program"]
    assert (entry.mode, entry.size) == (0o755, 4)


def test_file_that_is_not_an_image_archive_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "plain.tar", "w"):
        pass
    (tmp_path / "text.tar").write_text("not an archive")
    for name in ("plain.tar", "text.tar", "missing.tar"):
        with pytest.raises(ClusterError, match=f"{name} is not an image archive"):
            archive.reference(tmp_path / name)


@pytest.mark.parametrize("tags", [None, [], ["a:1", "b:1"]])
def test_archive_without_one_tag_is_refused(tags: list[str] | None, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps([{"RepoTags": tags}]))
    with tarfile.open(tmp_path / "image.tar", "w") as tar:
        tar.add(manifest, "manifest.json")
    with pytest.raises(ClusterError, match="must contain one tagged image"):
        archive.reference(tmp_path / "image.tar")
