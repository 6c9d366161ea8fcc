"""A real registry: Debian's docker-registry, unpacked and not installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest


@contextmanager
def running_registry(folder: Path, address: str, around: tuple[str, ...] = (), **config: Any) -> Iterator[None]:
    """One at host:port, until the `with` ends; `around` is a command to run it by, `config` goes over its own."""
    if not shutil.which("apt-get") or not shutil.which("buildah"):
        pytest.skip("needs Debian's docker-registry and buildah: run on Debian 12")
    subprocess.run(["apt-get", "download", "-qq", "docker-registry"], cwd=folder, check=True, capture_output=True)
    subprocess.run(["dpkg-deb", "--extract", next(folder.glob("*.deb")), folder], check=True)
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    told = {"version": 0.1, "storage": storage, "http": {"addr": address}, "log": {"level": "error"}, **config}
    (folder / "config.yml").write_text(json.dumps(told))
    command: list[str | Path] = [*around, folder / "usr/bin/docker-registry", "serve", folder / "config.yml"]
    with subprocess.Popen(command) as process:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                httpx.get(f"http://{address}/v2/", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield
        process.terminate()
