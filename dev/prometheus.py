"""Prometheus and promtool from Debian's package.

The package is unpacked but not installed, so that no service starts."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from dev.cache import cached

HERE = Path(__file__)


class PrometheusError(Exception):
    """Prometheus is not available; the message gives cause and next step."""


def program_dir() -> Path:
    """The folder with the programs `prometheus` and `promtool`.

    They are the installed ones, or those of the package in the cache.
    Raises PrometheusError."""
    installed = shutil.which("promtool")
    if installed and shutil.which("prometheus"):
        return Path(installed).parent
    if not shutil.which("apt-get"):
        raise PrometheusError(
            "prometheus and promtool are not in PATH, and this machine has no apt-get to download them; install them"
        )
    return cached("prometheus", [HERE], _unpack) / "usr/bin"


def _unpack(folder: Path) -> None:
    if subprocess.run(["apt-get", "download", "prometheus"], cwd=folder, capture_output=True, check=False).returncode:
        _run(folder, "apt-get", "update", "-qq")  # the package lists are missing or outdated
        _run(folder, "apt-get", "download", "prometheus")
    [package] = folder.glob("prometheus_*.deb")
    _run(folder, "dpkg-deb", "--extract", package.name, ".")
    package.unlink()


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PrometheusError(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
