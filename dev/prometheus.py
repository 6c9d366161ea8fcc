"""Prometheus and promtool of Debian's package: unpacked and not installed, so that no service of theirs ever starts."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from dev.cache import cached

HERE = Path(__file__)


class PrometheusError(Exception):
    """The programs can't be had here; the message says why and what to do."""


def programs() -> Path:
    """The folder of `prometheus` and `promtool`: where they are installed, else unpacked once into the cache."""
    installed = shutil.which("promtool")
    if installed and shutil.which("prometheus"):
        return Path(installed).parent
    if not shutil.which("apt-get"):
        raise PrometheusError("there is no prometheus and promtool in PATH, and no Debian to take them from")
    return cached("prometheus", [HERE], _unpack) / "usr/bin"


def _unpack(folder: Path) -> None:
    if subprocess.run(["apt-get", "download", "prometheus"], cwd=folder, capture_output=True, check=False).returncode:
        _run(folder, "apt-get", "update", "-qq")  # its lists are gone, or of yesterday
        _run(folder, "apt-get", "download", "prometheus")
    [package] = folder.glob("prometheus_*.deb")
    _run(folder, "dpkg-deb", "--extract", package.name, ".")
    package.unlink()


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PrometheusError(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
