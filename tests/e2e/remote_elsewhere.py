"""An S3 server next to the clusters of this machine, which outlives them. It is rclone's own, out of the image."""

from __future__ import annotations

import json
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.images import store_images
from tests.waiting import until

PORT = 9410
OPTIONS = ("--set=backups.remote=s3:backups", "--set=backups.remoteSecret=s3", f"--set=backups.remotePort={PORT}")
ACCESS_KEY, SECRET_KEY = "storewright", "not-so-secret"


def secret_for(address: str) -> str:
    """The Secret with which rclone in a cluster reaches the server at this address, as JSON."""
    options = {
        "TYPE": "s3",
        "PROVIDER": "Rclone",
        "ENDPOINT": f"http://{address}:{PORT}",
        "ACCESS_KEY_ID": ACCESS_KEY,
        "SECRET_ACCESS_KEY": SECRET_KEY,
    }
    data = {f"RCLONE_CONFIG_S3_{name}": value for name, value in options.items()}
    metadata = {"name": "s3", "namespace": "storewright"}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})


@contextmanager
def serving(folder: Path, address: str) -> Iterator[None]:
    """Serve the bucket `backups` of the folder at this address of the machine."""
    (folder / "backups").mkdir(exist_ok=True)
    command = (_rclone(folder.parent), "serve", "s3", "--addr", f"{address}:{PORT}", "--auth-key")
    with subprocess.Popen([*command, f"{ACCESS_KEY},{SECRET_KEY}", folder]) as server:
        try:
            until("the S3 server listens", lambda: _listens(address))
            yield
        finally:
            server.terminate()


def _listens(address: str) -> bool:
    try:
        socket.create_connection((address, PORT), timeout=1).close()
    except OSError:
        return False
    return True


def _rclone(folder: Path) -> Path:
    """The program, taken out of the image."""
    [image] = [image for image in store_images() if image.name == "backup"]
    with tarfile.open(image.archive) as archive:
        [manifest] = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        with tarfile.open(fileobj=archive.extractfile(manifest["Layers"][-1])) as layer:
            program = folder / "rclone"
            program.write_bytes(layer.extractfile("usr/bin/rclone").read())  # type: ignore[union-attr]
    program.chmod(0o755)
    return program
