"""The sbom of materials of an image (CycloneDX): each package in it, as its own ecosystem has noted it there."""

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
    """Write the sbom of the image `name:tag`, which is in an archive of `docker save`."""
    found = {str(package): package for package in _with_release(list(_packages(archive)))}
    image = Component(name=name, version=tag, type=ComponentType.CONTAINER, bom_ref=f"{name}:{tag}")
    bom = Bom(metadata=BomMetaData(component=image), components=map(_component, found.values()))
    bom.register_dependency(image, bom.components)
    unfinished = sbom.with_suffix(".new")
    unfinished.write_text(JsonV1Dot6(bom).output_as_string(indent=1))
    unfinished.rename(sbom)


def _component(package: PackageURL) -> Component:
    return Component(
        name=package.name, group=package.namespace, version=package.version, purl=package, bom_ref=str(package)
    )


def _with_release(packages: list[PackageURL]) -> Iterator[PackageURL]:
    """Debian's packages with the release they are of, by which scanners look them up: base-files has its number."""
    release = next((str(p.version).partition(".")[0] for p in packages if p.name == "base-files"), "")
    for package in packages:
        known = package.qualifiers | ({"distro": f"debian-{release}"} if package.type == "deb" and release else {})
        yield package._replace(qualifiers=known)


def _packages(archive: Path) -> Iterator[PackageURL]:
    with tarfile.open(archive) as image:
        [manifest] = json.loads(_content(image, "manifest.json"))
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=image.extractfile(name)) as layer:
                for entry in layer:
                    where = "/" + entry.name.removeprefix("./")
                    if entry.isfile() and (read := next((NOTES[n] for n in NOTES if re.search(n, where)), None)):
                        yield from read(_content(layer, entry))


def _content(tar: tarfile.TarFile, entry: str | tarfile.TarInfo) -> bytes:
    file = tar.extractfile(entry)
    return file.read() if file else b""


def _debian(status: bytes) -> Iterator[PackageURL]:
    for stanza in status.strip().split(b"\n\n"):
        note = message_from_bytes(stanza)
        if "Package" in note and note.get("Status", "installed").endswith("installed"):
            yield PackageURL("deb", "debian", note["Package"], note["Version"], {"arch": note["Architecture"]})


def _python(metadata: bytes) -> Iterator[PackageURL]:
    note = message_from_bytes(metadata)
    yield PackageURL("pypi", name=note["Name"], version=note["Version"])


def _npm(package_json: bytes) -> Iterator[PackageURL]:
    note = json.loads(package_json)
    if "name" in note and "version" in note:
        scope, _, name = note["name"].rpartition("/")
        yield PackageURL("npm", scope or None, name, note["version"])


def _go(program: bytes) -> Iterator[PackageURL]:
    """The modules that a Go program was linked of; of any other program nothing."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(program)
        file.flush()
        Path(file.name).chmod(0o755)
        command = [str(TOOLS / "bin" / "go"), "version", "-m", "-json", file.name]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    note: dict[str, Any] = json.loads(told or "{}")
    modules = [note["Main"], *note.get("Deps", [])] if "Main" in note else []
    for module in (m.get("Replace", m) for m in modules):
        namespace, _, name = module["Path"].rpartition("/")
        yield PackageURL("golang", namespace or None, name, module["Version"])
    if modules:
        yield PackageURL("golang", name="stdlib", version=note["GoVersion"].removeprefix("go"))


# Where each kind of package is noted, and who reads it.
NOTES = {
    r"^/var/lib/dpkg/status(\.d/[^/]+)?$": _debian,
    r"\.dist-info/METADATA$": _python,
    r"/node_modules/(@[^/]+/)?[^/]+/package\.json$": _npm,
    r"/bin/[^/]+$": _go,
}
