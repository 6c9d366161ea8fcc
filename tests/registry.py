"""A real image registry: Debian's docker-registry, unpacked but not installed."""

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

START_TIMEOUT_SECONDS = 10


@contextmanager
def running_registry(folder: Path, address: str, wrapper: tuple[str, ...] = (), **config: Any) -> Iterator[None]:
    """Run a registry at `address` (host:port) until the `with` block ends.

    `wrapper` is a command line that starts it, such as nsenter; `config` overrides its configuration."""
    if not shutil.which("apt-get") or not shutil.which("buildah"):
        pytest.skip("needs Debian's docker-registry and buildah: run on Debian 12")
    subprocess.run(["apt-get", "download", "-qq", "docker-registry"], cwd=folder, check=True, capture_output=True)
    subprocess.run(["dpkg-deb", "--extract", next(folder.glob("*.deb")), folder], check=True)
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    settings = {"version": 0.1, "storage": storage, "http": {"addr": address}, "log": {"level": "error"}, **config}
    (folder / "config.yml").write_text(json.dumps(settings))
    command: list[str | Path] = [*wrapper, folder / "usr/bin/docker-registry", "serve", folder / "config.yml"]
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://{address}/v2/", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield
        process.terminate()
