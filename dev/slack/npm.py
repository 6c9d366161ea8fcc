"""npm packages, installed from their lock file into the cache."""

import os
import shutil
import subprocess
from pathlib import Path

from dev.cache import TOOLS, cached

MANIFESTS = ("package.json", "package-lock.json", ".npmrc")


class NpmError(Exception):
    """npm failed or is missing; the message gives the next step."""


def node_modules(package: Path) -> Path:
    """The node_modules of a folder with a package.json and a lock file. Raises NpmError."""
    manifests = [package / name for name in MANIFESTS]

    def install(folder: Path) -> None:
        for manifest in manifests:
            shutil.copy(manifest, folder)
        run(folder, "npm", "ci", "--ignore-scripts", "--no-progress")

    return cached("npm", manifests, install) / "node_modules"


def run(folder: Path, *command: str) -> None:
    """Run a Node.js program, pinned if available, in `folder`. Raises NpmError."""
    path = f"{TOOLS / 'bin'}{os.pathsep}{os.environ['PATH']}"
    program = shutil.which(command[0], path=path)
    if program is None:
        raise NpmError(f"{command[0]} was not found. Run `sh dev/setup.sh`, which installs a pinned Node.js.")
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(
        [program, *command[1:]], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        output = (done.stderr or done.stdout).strip()[-2000:]
        raise NpmError(f"`{' '.join(command)}` failed. Can this machine reach the npm registry?\n{output}")
