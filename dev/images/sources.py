"""External sources of an image, described in its sources.yaml.

A source is the operator's copy or a verified download."""

import functools
import hashlib
import json
import os
import shutil
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from dev.images.errors import ImageError

DOWNLOAD_TIMEOUT_SECONDS = 10.0
ALTERED = "the download is not the published file"
# The errors of a network without access to the server.
UNREACHABLE_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)


@dataclass(frozen=True)
class Source:
    """One entry of a sources.yaml.

    `folder` is the build context `name`; `digest` is the hash of its content.
    If the source is not available, `folder` is None, `values` are the chart's values without it,
    and `note` is a message for the operator.
    """

    name: str
    folder: Path | None = None
    digest: str = ""
    values: dict[str, Any] = field(default_factory=dict, hash=False)
    note: str = ""


def find(recipes: Path, cache: Path) -> list[Source]:
    """All sources that the file `recipes` describes; archives are unpacked in `cache`.

    Raises ImageError for an invalid source. A source that is not available is no error.
    """
    described = yaml.safe_load(recipes.read_text()) if recipes.exists() else {}
    return [_find(name, recipe, cache) for name, recipe in described.items()]


def _find(name: str, recipe: dict[str, Any], cache: Path) -> Source:
    local_path = os.environ.get(recipe["variable"])
    sha256 = os.environ.get(recipe["sha256_variable"], "")
    path = Path(local_path).expanduser().resolve() if local_path else _download(name, recipe, sha256, cache)
    if path is None:
        return Source(name, values=recipe["without"]["values"], note=recipe["without"]["note"])
    if path.is_dir():
        if sha256:
            raise ImageError(
                f"{recipe['sha256_variable']} is the checksum of a zip, but {recipe['variable']} is a folder"
            )
        folder, digest = path, _folder_digest(path)
    else:
        digest = _verified_digest(path, sha256)
        folder = _unpack(path, cache / digest[:16])
    for candidate in (folder, folder / name):
        if (candidate / recipe["contains"]).is_file():
            return Source(name, candidate, digest)
    advice = f"set {recipe['variable']} to the folder or the zip of {name}"
    raise ImageError(f"{local_path or path} has no {recipe['contains']}; {advice}")


def _verified_digest(archive: Path, sha256: str) -> str:
    if not archive.is_file():
        raise ImageError(f"{archive} does not exist")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if sha256 and digest != sha256.lower():
        raise ImageError(f"{archive.name} has the SHA-256 {digest}, not {sha256}: {ALTERED}")
    return digest


def _unpack(archive: Path, folder: Path) -> Path:
    if not folder.exists():
        unfinished = folder.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        zipfile.ZipFile(archive).extractall(unfinished)
        unfinished.rename(folder)
    return folder


def _download(name: str, recipe: dict[str, Any], sha256: str, cache: Path) -> Path | None:
    """The archive, or None if the network does not reach the server.

    It is verified with the operator's `sha256`, or with the published checksums of its files. Raises ImageError."""
    archive = cache / str(recipe["url"]).rsplit("/", 1)[1]
    if archive.exists():
        return archive
    content = _get(recipe["url"], optional=True)
    if content is None:
        return None
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(f".{os.getpid()}.new")
    unfinished.write_bytes(content)
    if sha256:
        _verified_digest(unfinished, sha256)
    else:
        published = json.loads(_get(recipe["checksums"]) or b"")["files"]
        _compare(unfinished, name, published, set(recipe["tolerated"]))
    unfinished.rename(archive)
    return archive


@functools.cache  # so that an unreachable server costs the timeout only once
def _get(url: str, optional: bool = False) -> bytes | None:
    """The body of the answer; None if `optional` and the server is unreachable. Raises ImageError."""
    try:
        answer = httpx.get(url, timeout=DOWNLOAD_TIMEOUT_SECONDS, follow_redirects=True)
    except httpx.TransportError as error:
        if optional and isinstance(error, UNREACHABLE_ERRORS):
            return None
        raise ImageError(f"could not download {url} ({type(error).__name__}); try again") from error
    if answer.status_code != httpx.codes.OK:
        raise ImageError(f"{url} answered {answer.status_code}")
    return answer.content


def _compare(archive: Path, name: str, published: dict[str, Any], tolerated: set[str]) -> None:
    """Compare all files of the archive with the published checksums.

    `published` maps a path in the folder `name` to one or several SHA-256 sums.
    Files in `tolerated` may differ, because authors edit a readme after the release.
    Raises ImageError and deletes the archive if a file differs, is missing or is not published."""
    with zipfile.ZipFile(archive) as unzipped:
        names = [member for member in unzipped.namelist() if not member.endswith("/")]
        actual = {member: hashlib.sha256(unzipped.read(member)).hexdigest() for member in names}
    expected = {f"{name}/{path}": entry["sha256"] for path, entry in published.items()}
    wrong = {path for path, digest in actual.items() if digest not in expected.get(path, "")}
    wrong |= expected.keys() - actual.keys()
    wrong -= {f"{name}/{path}" for path in tolerated}
    if wrong or len(names) != len(actual):
        archive.unlink()
        example = min(wrong, default="a file that the archive contains twice")
        raise ImageError(f"{len(wrong)} files differ from the published checksums, such as {example}: {ALTERED}")


@functools.cache
def _folder_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        digest.update(str(file.relative_to(folder)).encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
