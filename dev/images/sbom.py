"""Writes an image's software bill of materials (SBOM, CycloneDX format).

It lists the packages that the image's own package databases record: dpkg, pip, npm and Go."""

import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from dev.cache import TOOLS


def write(archive: Path, name: str, tag: str, sbom: Path) -> None:
    """Write the SBOM of the image `name:tag` from its archive."""
    packages = {str(package): package for package in _with_release(list(_packages(archive)))}
    image = Component(name=name, version=tag, type=ComponentType.CONTAINER, bom_ref=f"{name}:{tag}")
    bom = Bom(metadata=BomMetaData(component=image), components=map(_component, packages.values()))
    bom.register_dependency(image, bom.components)
    unfinished = sbom.with_suffix(".new")
    unfinished.write_text(JsonV1Dot6(bom).output_as_string(indent=1))
    unfinished.rename(sbom)


def _component(package: PackageURL) -> Component:
    return Component(
        name=package.name, group=package.namespace, version=package.version, purl=package, bom_ref=str(package)
    )


def _with_release(packages: list[PackageURL]) -> Iterator[PackageURL]:
    """The packages, with Debian's release added, because scanners need it.

    The release is the version of the package base-files."""
    release = next((str(p.version).partition(".")[0] for p in packages if p.name == "base-files"), "")
    for package in packages:
        distro = {"distro": f"debian-{release}"} if package.type == "deb" and release else {}
        yield package._replace(qualifiers=package.qualifiers | distro)


def _packages(archive: Path) -> Iterator[PackageURL]:
    with tarfile.open(archive) as image:
        [manifest] = json.loads(_content(image, "manifest.json"))
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=image.extractfile(name)) as layer:
                for entry in layer:
                    path = "/" + entry.name.removeprefix("./")
                    parse = next((parser for pattern, parser in PARSERS.items() if re.search(pattern, path)), None)
                    if entry.isfile() and parse:
                        yield from parse(_content(layer, entry))


def _content(tar: tarfile.TarFile, entry: str | tarfile.TarInfo) -> bytes:
    file = tar.extractfile(entry)
    return file.read() if file else b""


def _debian(status: bytes) -> Iterator[PackageURL]:
    for stanza in status.strip().split(b"\n\n"):
        fields = message_from_bytes(stanza)
        if "Package" in fields and fields.get("Status", "installed").endswith("installed"):
            yield PackageURL("deb", "debian", fields["Package"], fields["Version"], {"arch": fields["Architecture"]})


def _python(metadata: bytes) -> Iterator[PackageURL]:
    fields = message_from_bytes(metadata)
    yield PackageURL("pypi", name=fields["Name"], version=fields["Version"])


def _npm(package_json: bytes) -> Iterator[PackageURL]:
    package = json.loads(package_json)
    if "name" in package and "version" in package:
        scope, _, name = package["name"].rpartition("/")
        yield PackageURL("npm", scope or None, name, package["version"])


def _go(program: bytes) -> Iterator[PackageURL]:
    """The modules of a Go program; none for any other program."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(program)
        file.flush()
        Path(file.name).chmod(0o755)
        command = [str(TOOLS / "bin" / "go"), "version", "-m", "-json", file.name]
        output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    build_info: dict[str, Any] = json.loads(output or "{}")
    modules = [build_info["Main"], *build_info.get("Deps", [])] if "Main" in build_info else []
    for module in (m.get("Replace", m) for m in modules):
        namespace, _, name = module["Path"].rpartition("/")
        yield PackageURL("golang", namespace or None, name, module["Version"])
    if modules:
        yield PackageURL("golang", name="stdlib", version=build_info["GoVersion"].removeprefix("go"))


# Path pattern of a package database -> its parser.
PARSERS = {
    r"^/var/lib/dpkg/status(\.d/[^/]+)?$": _debian,
    r"\.dist-info/METADATA$": _python,
    r"/node_modules/(@[^/]+/)?[^/]+/package\.json$": _npm,
    r"/bin/[^/]+$": _go,
}
