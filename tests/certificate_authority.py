"""A certificate authority for one test, and HTTPS servers with its certificates."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EXTENSIONS = "basicConstraints=critical,CA:{ca}", "subjectAltName=DNS:{host}"


class CertificateAuthority:
    """A certificate authority; `ca_file` is its own certificate, which clients trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca_file, self._key = self._issue("authority", True)

    def certificate(self, host: str) -> tuple[Path, Path]:
        """The files of a certificate and its key, for a host or a wildcard."""
        return self._issue(host, False, "-CA", self.ca_file, "-CAkey", self._key)

    def _issue(self, host: str, ca: bool, *signed: str | Path) -> tuple[Path, Path]:
        crt, key = (self._folder / f"{host.replace('*', '_')}.{end}" for end in ("crt", "key"))
        extensions = [extension.format(ca=str(ca).upper(), host=host) for extension in EXTENSIONS]
        added = [argument for extension in extensions for argument in ("-addext", extension)]
        new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        # No configuration file: it would add the same extensions again.
        command = ["openssl", "req", "-x509", "-config", "/dev/null", "-subj", f"/CN={host}", *new, *added, *signed]
        subprocess.run([*command, "-out", crt, "-keyout", key], check=True, capture_output=True)
        return crt, key


@contextmanager
def https_server(handler: type[BaseHTTPRequestHandler], crt: Path, key: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    """host:port on loopback, and the TLS context: load another certificate into it to replace the first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", context
        server.shutdown()
