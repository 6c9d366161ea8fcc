"""Watches against a real HTTP server that ends them as API servers do: too old, broken, and then going on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from provisioner.clients.kubernetes.cluster import Cluster
from tests.conftest import write_kubeconfig

ENDINGS = [
    b'{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}\n',
    b'{"type": "MODIF',
    b"",
]


class Api(BaseHTTPRequestHandler):
    """Each list tells one pod more than the one before; each watch ends in the next of `ENDINGS`."""

    protocol_version = "HTTP/1.1"
    lists = 0

    def do_GET(self) -> None:
        if "watch" in parse_qs(urlsplit(self.path).query):
            return self._send(ENDINGS[(Api.lists - 1) % len(ENDINGS)])
        Api.lists += 1
        pods = [{"metadata": {"uid": str(n), "name": f"pod-{n}"}} for n in range(Api.lists)]
        body = {"metadata": {"resourceVersion": str(Api.lists)}, "items": pods}
        return self._send(json.dumps(body).encode())

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Cluster(write_kubeconfig(tmp_path / "kubeconfig", f"http://127.0.0.1:{server.server_port}"))
    server.shutdown()


def test_a_watch_survives_whatever_ends_it(cluster: Cluster) -> None:
    with cluster.watch_pods("any") as snapshots:
        for pods in snapshots.every(0.1):
            if len(pods) >= 2 * len(ENDINGS):
                break
    assert Api.lists >= 2 * len(ENDINGS)
