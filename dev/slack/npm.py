"""npm packages, installed once as their lock file says and kept in the cache; and how the cache is filled."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

TOOLS = Path(__file__).parents[2] / "build" / "tools" / "bin"
MANIFESTS = ("package.json", "package-lock.json", ".npmrc")


class NpmError(Exception):
    """npm is missing or failed; the message says what it said and what to do."""


def cached(what: str, inputs: Iterable[Path], fill: Callable[[Path], None]) -> Path:
    """The cache's folder for these inputs; `fill` makes it where it is missing, in one rename, so no half is left."""
    digest = hashlib.sha256()
    for path in sorted(inputs):
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    cache = Path(os.environ.get("STOREWRIGHT_CACHE") or Path.home() / ".cache" / "storewright")
    done = cache / what / digest.hexdigest()[:16]
    if done.is_dir():
        return done
    done.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".filling-", dir=done.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        fill(made)
        try:
            made.rename(done)
        except OSError:  # somebody else was faster, with the same result
            if not done.is_dir():
                raise
    return done


def node_modules(package: Path) -> Path:
    """The node_modules of a folder with a package.json and its lock. Raises NpmError."""
    manifests = [package / name for name in MANIFESTS]

    def install(folder: Path) -> None:
        for manifest in manifests:
            shutil.copy(manifest, folder)
        run(folder, "npm", "ci", "--ignore-scripts", "--no-progress")

    return cached("npm", manifests, install) / "node_modules"


def run(folder: Path, *command: str) -> None:
    """A node program, found among the pinned tools first. Raises NpmError."""
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    program = shutil.which(command[0], path=path)
    if program is None:
        raise NpmError(f"{command[0]} was not found; run `sh dev/setup.sh`, which brings a pinned Node.js")
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(
        [program, *command[1:]], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise NpmError(f"`{' '.join(command)}` failed; is the npm registry within reach?\n{said}")
