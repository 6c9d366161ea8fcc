"""The images to build, and the hashes of their inputs."""

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

__all__ = ["BaseImage", "Image", "ImageError", "all_images", "bot_image", "has_buildah", "store_images"]

IMAGES = CHECKOUT / "images"
IGNORED_FOLDERS = {"node_modules", ".medusa", "__pycache__"}


@dataclass(frozen=True)
class BaseImage:
    """A substitute for the public image `name`, made of Debian packages.

    `recipe` is its entry in bases.yaml."""

    name: str
    recipe: dict[str, Any] = field(hash=False)

    @property
    def key(self) -> str:
        scripts = [script.read_text() for script in sorted((IMAGES / "base").glob("*.sh"))]
        return digest(json.dumps([self.name, self.recipe, scripts, TOOLS.resolve().name]).encode())

    @property
    def archive(self) -> Path:
        """The tar file of its root folder."""
        return CACHE / "bases" / f"{self.key}.tar"

    @property
    def reference(self) -> str:
        return f"localhost/storewright-base:{self.key}"


@dataclass(frozen=True)
class Image:
    """An image whose `folder` has a Dockerfile.

    `tag` is a hash of its inputs. `seconds` is the build time that the Dockerfile states.
    `bases` are its base images by build argument; empty with Docker, which uses the public images.
    `sources` are its files from outside the folder.
    """

    name: str
    folder: Path
    tag: str
    seconds: int
    bases: dict[str, BaseImage]
    sources: tuple[Source, ...] = ()

    @property
    def reference(self) -> str:
        return f"storewright/{self.name}:{self.tag}"

    @property
    def repository(self) -> str:
        """The repository of the image, in REGISTRY if that is set."""
        registry = os.environ.get("REGISTRY", "").rstrip("/")
        return f"{registry}/storewright/{self.name}".removeprefix("/")

    @property
    def values(self) -> dict[str, Any]:
        """The values for `image` in a chart."""
        values = {"repository": self.repository, "tag": self.tag}
        for source in self.sources:
            values |= source.values
        return values

    @property
    def archive(self) -> Path:
        """The archive of the built image, in the format of `docker save`."""
        return CACHE / "images" / f"{self.name}-{self.tag}.tar"

    @property
    def sbom(self) -> Path:
        """The software bill of materials (SBOM) in CycloneDX format."""
        return self.archive.with_suffix(".cdx.json")


def store_images() -> list[Image]:
    """All images under images/, whether they are built or not. Raises ImageError."""
    folders = sorted(dockerfile.parent for dockerfile in IMAGES.glob("*/Dockerfile"))
    return [_describe(folder.name, folder, _files(folder)) for folder in folders]


def bot_image() -> Image:
    """The bot's image; its inputs are the files that .dockerignore allows. Raises ImageError."""
    files = [CHECKOUT / "Dockerfile", CHECKOUT / ".dockerignore"]
    for rule in (CHECKOUT / ".dockerignore").read_text().splitlines():
        if rule.startswith("!"):
            files += _files(CHECKOUT / rule[1:])
        elif rule.startswith("charts/"):
            files = [file for file in files if CHECKOUT / rule not in file.parents]
    return _describe("storewright", CHECKOUT, files)


def all_images() -> list[Image]:
    """The stores' images and the bot's, whether they are built or not. Raises ImageError."""
    return [*store_images(), bot_image()]


@cache
def has_buildah() -> bool:
    """True if buildah builds the images, False if Docker does. Raises ImageError if this machine has neither."""
    if shutil.which("buildah"):
        return True
    if shutil.which("docker") and Path("/var/run/docker.sock").exists():
        return False
    raise ImageError(
        "this machine has no program to build images; run `sh dev/setup.sh` as root to install buildah, or start Docker"
    )


def digest(*parts: bytes) -> str:
    """The first 12 hex digits of a SHA-256 hash of `parts`."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def _describe(name: str, folder: Path, files: list[Path]) -> Image:
    dockerfile = (folder / "Dockerfile").read_text()
    estimate = re.search(r"^# Takes about (\d+) s", dockerfile, re.MULTILINE)
    if not estimate:
        path = (folder / "Dockerfile").relative_to(folder.parents[1])
        raise ImageError(f"{path} does not state its build time; add a line `# Takes about N s.`")
    bases = _base_images(dockerfile) if has_buildah() else {}
    external = tuple(sources.find(folder / "sources.yaml", CACHE / "sources"))
    inputs = [base.key for base in bases.values()] + [source.digest for source in external]
    tag = digest(_content(folder, files), *map(str.encode, inputs))
    return Image(name, folder, tag, int(estimate[1]), bases, external)


def _base_images(dockerfile: str) -> dict[str, BaseImage]:
    recipes = yaml.safe_load((IMAGES / "base" / "bases.yaml").read_text())
    arguments = re.findall(r"^ARG (\w+_IMAGE)=(\S+)", dockerfile, re.MULTILINE)
    unknown = [name for _, name in arguments if name not in recipes]
    if unknown:
        raise ImageError(f"no recipe for the base image {unknown[0]}; add one to images/base/bases.yaml")
    return {argument: BaseImage(name, recipes[name]) for argument, name in arguments}


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())


def _content(folder: Path, files: list[Path]) -> bytes:
    names = {file: file.relative_to(folder) for file in files}
    inputs = {file: name for file, name in names.items() if not IGNORED_FOLDERS & set(name.parts)}
    return b"".join(str(name).encode() + hashlib.sha256(file.read_bytes()).digest() for file, name in inputs.items())
