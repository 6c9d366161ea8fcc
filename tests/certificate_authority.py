"""A certificate authority of a test's own, and servers that show its certificates."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EXTENSIONS = "basicConstraints=critical,CA:{ca}", "subjectAltName=DNS:{host}"


class Authority:
    """`trusted` is the file that clients trust it by."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.trusted, self._key = self._made("authority", True)

    def certificate(self, host: str) -> tuple[Path, Path]:
        """Certificate and key for a host, which may be a wildcard."""
        return self._made(host, False, "-CA", self.trusted, "-CAkey", self._key)

    def _made(self, host: str, ca: bool, *signed: str | Path) -> tuple[Path, Path]:
        crt, key = (self._folder / f"{host.replace('*', '_')}.{end}" for end in ("crt", "key"))
        added = [word for one in EXTENSIONS for word in ("-addext", one.format(ca=str(ca).upper(), host=host))]
        new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        # No configuration file: its own extensions would come a second time.
        command = ["openssl", "req", "-x509", "-config", "/dev/null", "-subj", f"/CN={host}", *new, *added, *signed]
        subprocess.run([*command, "-out", crt, "-keyout", key], check=True, capture_output=True)
        return crt, key


@contextmanager
def https_server(handler: type[BaseHTTPRequestHandler], crt: Path, key: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    """host:port on loopback, and the context, into which another certificate may be loaded meanwhile."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", context
        server.shutdown()
