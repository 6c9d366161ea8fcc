"""What there is to build, keyed by its inputs: the folders under images/, the bot, the stand-ins for base images."""

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dev.cache import CACHE, CHECKOUT, TOOLS
from dev.images import sources
from dev.images.errors import ImageError
from dev.images.sources import Source

__all__ = ["Base", "Image", "ImageError", "has_buildah", "known", "own"]

IMAGES = CHECKOUT / "images"
NOT_INPUT = {"node_modules", ".medusa", "__pycache__"}


@dataclass(frozen=True)
class Base:
    """A stand-in, made of Debian packages, for the public image `name`. `recipe` is its entry in bases.yaml."""

    name: str
    recipe: dict[str, Any] = field(hash=False)

    @property
    def key(self) -> str:
        scripts = [script.read_text() for script in sorted((IMAGES / "base").glob("*.sh"))]
        return digest(json.dumps([self.name, self.recipe, scripts, TOOLS.resolve().name]).encode())

    @property
    def archive(self) -> Path:
        """Its root folder as a tar file."""
        return CACHE / "bases" / f"{self.key}.tar"

    @property
    def reference(self) -> str:
        return f"localhost/storewright-base:{self.key}"


@dataclass(frozen=True)
class Image:
    """A `folder` with a Dockerfile. `tag` is 12 hex digits of its inputs, `seconds` its own estimate of a build.

    `bases` are its stand-ins by build argument; empty where Docker takes the public images. `sources` are what it takes
    from outside its folder.
    """

    name: str
    folder: Path
    tag: str
    seconds: int
    bases: dict[str, Base]
    sources: tuple[Source, ...] = ()

    @property
    def reference(self) -> str:
        return f"storewright/{self.name}:{self.tag}"

    @property
    def repository(self) -> str:
        """What a cluster pulls it from: within REGISTRY, if that is set."""
        registry = os.environ.get("REGISTRY", "").rstrip("/")
        return f"{registry}/storewright/{self.name}".removeprefix("/")

    @property
    def values(self) -> dict[str, Any]:
        """What a chart that runs it sets under `image`."""
        values = {"repository": self.repository, "tag": self.tag}
        for source in self.sources:
            values |= source.values
        return values

    @property
    def archive(self) -> Path:
        """The built image, as `docker save` writes it."""
        return CACHE / "images" / f"{self.name}-{self.tag}.tar"

    @property
    def sbom(self) -> Path:
        """Its sbom of materials."""
        return self.archive.with_suffix(".cdx.json")


def known() -> list[Image]:
    """Every store image that images/ describes, built or not. Raises ImageError."""
    folders = sorted(dockerfile.parent for dockerfile in IMAGES.glob("*/Dockerfile"))
    return [_describe(folder.name, folder, _files(folder)) for folder in folders]


def own() -> Image:
    """The bot's own image, of what .dockerignore lets in and leaves out again. Raises ImageError."""
    files = [CHECKOUT / "Dockerfile", CHECKOUT / ".dockerignore"]
    for rule in (CHECKOUT / ".dockerignore").read_text().splitlines():
        if rule.startswith("!"):
            files += _files(CHECKOUT / rule[1:])
        elif rule.startswith("charts/"):
            files = [file for file in files if CHECKOUT / rule not in file.parents]
    return _describe("storewright", CHECKOUT, files)


@cache
def has_buildah() -> bool:
    """Tell whether buildah builds here; False means Docker does. Raises ImageError if neither can."""
    if shutil.which("buildah"):
        return True
    if shutil.which("docker") and Path("/var/run/docker.sock").exists():
        return False
    raise ImageError(
        "nothing here builds images: run `sh dev/setup.sh` as root, which installs buildah, or start Docker"
    )


def digest(*parts: bytes) -> str:
    """12 hex digits that change with any of `parts`."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def _describe(name: str, folder: Path, files: list[Path]) -> Image:
    dockerfile = (folder / "Dockerfile").read_text()
    estimate = re.search(r"^# Takes about (\d+) s", dockerfile, re.MULTILINE)
    if not estimate:
        where = (folder / "Dockerfile").relative_to(folder.parents[1])
        raise ImageError(f"{where} does not say how long it takes: add `# Takes about N s.`")
    bases = _stand_ins(dockerfile) if has_buildah() else {}
    taken = tuple(sources.find(folder / "sources.yaml", CACHE / "sources"))
    inputs = [base.key for base in bases.values()] + [source.digest for source in taken]
    tag = digest(_content(folder, files), *map(str.encode, inputs))
    return Image(name, folder, tag, int(estimate[1]), bases, taken)


def _stand_ins(dockerfile: str) -> dict[str, Base]:
    recipes = yaml.safe_load((IMAGES / "base" / "bases.yaml").read_text())
    arguments = re.findall(r"^ARG (\w+_IMAGE)=(\S+)", dockerfile, re.MULTILINE)
    unknown = [name for _, name in arguments if name not in recipes]
    if unknown:
        raise ImageError(f"no stand-in for the base image {unknown[0]}: describe one in images/base/bases.yaml")
    return {argument: Base(name, recipes[name]) for argument, name in arguments}


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())


def _content(folder: Path, files: list[Path]) -> bytes:
    names = {file: file.relative_to(folder) for file in files}
    kept = {file: name for file, name in names.items() if not NOT_INPUT & set(name.parts)}
    return b"".join(str(name).encode() + hashlib.sha256(file.read_bytes()).digest() for file, name in kept.items())
