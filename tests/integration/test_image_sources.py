"""External sources of an image: operator's copies and verified downloads."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.images import recipes, sources
from dev.images.errors import ImageError
from dev.images.sources import Source

PLUGIN = {"shop.php": "<?php // Version: 1", "src/cart.php": "<?php // the cart"}


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Path]:
    """A published folder with the plugin's zip and its checksums."""
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "shop.zip").write_bytes(zipped(PLUGIN))
    files: dict[str, Any] = {path: {"sha256": sha256(text.encode())} for path, text in PLUGIN.items()}
    files["shop.php"]["sha256"] = [sha256(b"another release"), files["shop.php"]["sha256"]]
    (folder / "sums.json").write_text(json.dumps({"files": files}))
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        describe(tmp_path, f"http://127.0.0.1:{server.server_port}")
        yield folder
        server.shutdown()


def zipped(files: dict[str, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for path, text in files.items():
            archive.writestr(f"shop/{path}", text)
    return written.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def describe(folder: Path, origin: str) -> None:
    recipe = {
        "variable": "SHOP_SRC",
        "sha256_variable": "SHOP_SHA256",
        "url": f"{origin}/shop.zip",
        "checksums": f"{origin}/sums.json",
        "tolerated": ["readme.txt"],
        "contains": "shop.php",
        "without": {"note": "SKIP: no shop (set SHOP_SRC)", "values": {"shop": False}},
    }
    (folder / "sources.yaml").write_text(yaml.safe_dump({"shop": recipe}))


@pytest.fixture(autouse=True)
def no_operator_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SHOP_SRC", "SHOP_SHA256"):
        monkeypatch.delenv(variable, raising=False)


def find_source(tmp_path: Path) -> Source:
    (source,) = sources.find(tmp_path / "sources.yaml", tmp_path / "cache")
    return source


def text_of(source: Source) -> str:
    assert source.folder
    return (source.folder / "shop.php").read_text()


def test_download_is_verified_unpacked_and_cached(published: Path, tmp_path: Path) -> None:
    first = find_source(tmp_path)
    assert text_of(first) == PLUGIN["shop.php"]
    assert first.values == {}
    (published / "shop.zip").unlink()
    assert find_source(tmp_path) == first


@pytest.mark.parametrize(
    ("changed", "reported"),
    [
        ({**PLUGIN, "src/cart.php": "<?php evil();"}, "src/cart.php"),
        ({**PLUGIN, "more.php": "<?php evil();"}, "more.php"),
        ({"shop.php": PLUGIN["shop.php"]}, "src/cart.php"),
    ],
)
def test_download_that_differs_from_published_checksums_is_refused(
    published: Path, tmp_path: Path, changed: dict[str, str], reported: str
) -> None:
    (published / "shop.zip").write_bytes(zipped(changed))
    for _ in range(2):  # the second call must not use a cached file
        with pytest.raises(ImageError, match=f"1 files differ.*{reported}"):
            find_source(tmp_path)


def test_operators_checksum_replaces_the_published_checksums(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (published / "sums.json").unlink()
    monkeypatch.setenv("SHOP_SHA256", sha256(b"something else"))
    with pytest.raises(ImageError, match=r"has the SHA-256 .* not the published file"):
        find_source(tmp_path)
    archive = (published / "shop.zip").read_bytes()
    monkeypatch.setenv("SHOP_SHA256", sha256(archive).upper())
    assert text_of(find_source(tmp_path)) == PLUGIN["shop.php"]


def test_tolerated_file_may_differ_from_its_checksum(published: Path, tmp_path: Path) -> None:
    (published / "shop.zip").write_bytes(zipped({**PLUGIN, "readme.txt": "edited"}))
    assert text_of(find_source(tmp_path)) == PLUGIN["shop.php"]


def test_archive_with_a_file_outside_its_folder_is_refused(published: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(published / "shop.zip", "a") as archive:
        archive.writestr("other/shop.php", PLUGIN["shop.php"])
    with pytest.raises(ImageError, match=r"other/shop\.php"):
        find_source(tmp_path)


def test_unreachable_checksums_are_an_error(published: Path, tmp_path: Path) -> None:
    recipe = yaml.safe_load((tmp_path / "sources.yaml").read_text())
    recipe["shop"]["checksums"] = "http://127.0.0.1:9/sums.json"
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(ImageError, match=r"could not download .* \(ConnectError\)"):
        find_source(tmp_path)


def test_checksum_with_a_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(tmp_path, "http://127.0.0.1:9")
    monkeypatch.setenv("SHOP_SRC", str(tmp_path))
    monkeypatch.setenv("SHOP_SHA256", sha256(b"a zip"))
    with pytest.raises(ImageError, match="SHOP_SHA256 is the checksum of a zip, but SHOP_SRC is a folder"):
        find_source(tmp_path)


def test_download_error_is_reported_but_unreachable_server_is_not(published: Path, tmp_path: Path) -> None:
    (published / "shop.zip").unlink()
    with pytest.raises(ImageError, match="answered 404"):
        find_source(tmp_path)
    describe(tmp_path, "http://127.0.0.1:9")
    missing = find_source(tmp_path)
    assert (missing.folder, missing.values, missing.note) == (None, {"shop": False}, "SKIP: no shop (set SHOP_SRC)")


@pytest.mark.parametrize("form", ["folder", "parent", "zip"])
def test_operators_copy_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    describe(tmp_path, "http://127.0.0.1:9")
    folder = tmp_path / "copy" / "shop"
    folder.mkdir(parents=True)
    (folder / "shop.php").write_text("mine")
    (tmp_path / "copy.zip").write_bytes(zipped({"shop.php": "mine"}))
    monkeypatch.setenv("SHOP_SRC", str({"folder": folder, "parent": folder.parent, "zip": tmp_path / "copy.zip"}[form]))
    assert text_of(find_source(tmp_path)) == "mine"


def test_operators_copy_without_the_expected_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(tmp_path, "http://127.0.0.1:9")
    monkeypatch.setenv("SHOP_SRC", str(tmp_path))
    with pytest.raises(ImageError, match=r"has no shop\.php; set SHOP_SRC to the folder or the zip of shop"):
        find_source(tmp_path)
    monkeypatch.setenv("SHOP_SRC", str(tmp_path / "nowhere"))
    with pytest.raises(ImageError, match=r"nowhere does not exist"):
        find_source(tmp_path)


def test_tag_changes_with_the_source_and_values_report_a_missing_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "images" / "store"
    folder.mkdir(parents=True)
    (folder.parent / "base").mkdir()
    (folder.parent / "base/bases.yaml").write_text("{}\n")
    (folder / "Dockerfile").write_text("# Takes about 7 s.\n")
    describe(folder, "http://127.0.0.1:9")
    monkeypatch.setattr(recipes, "IMAGES", folder.parent)
    monkeypatch.setattr(recipes, "CACHE", tmp_path / "cache")
    (without,) = recipes.store_images()
    assert without.values["shop"] is False
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "shop.php").write_text("1")
    monkeypatch.setenv("SHOP_SRC", str(copy))
    (with_it,) = recipes.store_images()
    (copy / "other").mkdir()
    (copy / "other/shop.php").write_text("2")
    monkeypatch.setenv("SHOP_SRC", str(copy / "other"))
    (with_another,) = recipes.store_images()
    assert "shop" not in with_it.values
    assert len({image.tag for image in (without, with_it, with_another)}) == 3
