"""What an image takes from outside its folder, by its sources.yaml: an operator's copy or a checked download."""

import hashlib
import json
import os
import shutil
import zipfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml

from dev.images.errors import ImageError

ANSWER_WITHIN = 10.0  # seconds
ALTERED = "what came is not what was published"
# What a network says that does not lead there.
NO_WAY_THERE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)


@dataclass(frozen=True)
class Source:
    """One entry of a sources.yaml. `folder` is what the build gets as the context `name`, `digest` is of its content.

    Where it is not to be had, `folder` is None, and `values` and `note` are what a chart and a person are told of that.
    """

    name: str
    folder: Path | None = None
    digest: str = ""
    values: dict[str, Any] = field(default_factory=dict, hash=False)
    note: str = ""


def find(recipes: Path, cached: Path) -> list[Source]:
    """Every source that the file `recipes` describes, unpacked in `cached` where it is not a folder of the operator's.

    Raises ImageError for one that is not what it should be; one that is nowhere to be had is no error.
    """
    described = yaml.safe_load(recipes.read_text()) if recipes.exists() else {}
    return [_find(name, recipe, cached) for name, recipe in described.items()]


def _find(name: str, recipe: dict[str, Any], cached: Path) -> Source:
    own = os.environ.get(recipe["variable"])
    wanted = os.environ.get(recipe["sha256_variable"], "")
    found = Path(own).expanduser().resolve() if own else _download(name, recipe, wanted, cached)
    if found is None:
        return Source(name, values=recipe["without"]["values"], note=recipe["without"]["note"])
    if found.is_dir():
        if wanted:
            raise ImageError(
                f"{recipe['sha256_variable']} is the checksum of a zip, but {recipe['variable']} is a folder"
            )
        folder, digest = found, _digest_of(found)
    else:
        digest = _checked(found, wanted)
        folder = _unpacked(found, cached / digest[:16])
    for candidate in (folder, folder / name):
        if (candidate / recipe["contains"]).is_file():
            return Source(name, candidate, digest)
    wanted_there = f"{recipe['variable']} names {name}'s folder or its zip"
    raise ImageError(f"{own or found} has no {recipe['contains']}: {wanted_there}")


def _checked(archive: Path, wanted: str) -> str:
    if not archive.is_file():
        raise ImageError(f"there is no {archive}")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if wanted and digest != wanted.lower():
        raise ImageError(f"{archive.name} has the SHA-256 {digest}, not {wanted}: {ALTERED}")
    return digest


def _unpacked(archive: Path, folder: Path) -> Path:
    if not folder.exists():
        unfinished = folder.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        zipfile.ZipFile(archive).extractall(unfinished)
        unfinished.rename(folder)
    return folder


def _download(name: str, recipe: dict[str, Any], wanted: str, cached: Path) -> Path | None:
    """The archive, from the cache or the network; None where the network does not lead there.

    It is what the operator's SHA-256 or the checksums published for its files say. Raises ImageError."""
    archive = cached / str(recipe["url"]).rsplit("/", 1)[1]
    if archive.exists():
        return archive
    content = _get(recipe["url"], optional=True)
    if content is None:
        return None
    cached.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(f".{os.getpid()}.new")
    unfinished.write_bytes(content)
    if wanted:
        _checked(unfinished, wanted)
    else:
        published = json.loads(_get(recipe["checksums"]) or b"")["files"]
        _compare(unfinished, name, published, set(recipe["tolerated"]))
    unfinished.rename(archive)
    return archive


@cache  # a network that leads nowhere is waited for once
def _get(url: str, optional: bool = False) -> bytes | None:
    """What `url` answers; None only where it is `optional` and no connection can be made. Raises ImageError."""
    try:
        answer = httpx.get(url, timeout=ANSWER_WITHIN, follow_redirects=True)
    except httpx.TransportError as error:
        if optional and isinstance(error, NO_WAY_THERE):
            return None
        raise ImageError(f"{url} did not come through ({type(error).__name__}): try again") from error
    if answer.status_code != httpx.codes.OK:
        raise ImageError(f"{url} answered {answer.status_code}")
    return answer.content


def _compare(archive: Path, name: str, published: dict[str, Any], tolerated: set[str]) -> None:
    """Every file, and no other, is as `published`: path below the folder `name` -> sha256, one or several.

    Those `tolerated` may differ: authors edit a readme after the release."""
    with zipfile.ZipFile(archive) as unzipped:
        names = [member for member in unzipped.namelist() if not member.endswith("/")]
        found = {member: hashlib.sha256(unzipped.read(member)).hexdigest() for member in names}
    due = {f"{name}/{path}": entry["sha256"] for path, entry in published.items()}
    wrong = {path for path, digest in found.items() if digest not in due.get(path, "")} | (due.keys() - found.keys())
    wrong -= {f"{name}/{path}" for path in tolerated}
    if wrong or len(names) != len(found):
        archive.unlink()
        example = min(wrong, default="a file that is in it twice")
        raise ImageError(f"{len(wrong)} files differ from the published checksums, {example} is one: {ALTERED}")


@cache
def _digest_of(folder: Path) -> str:
    whole = hashlib.sha256()
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        whole.update(str(file.relative_to(folder)).encode() + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()
