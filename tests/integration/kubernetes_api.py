"""An HTTP server in place of the Kubernetes API server; the test gives its answers."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, dict[str, Any]]


class Request:
    """One request; `write_chunk` sends a part of a chunked answer, such as an event of a watch."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        parts = urlsplit(handler.path)
        self.method, self.path = handler.command, parts.path
        self.query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.connection = handler.connection
        self.body: Any = json.loads(body or b"null")
        self._handler = handler

    @property
    def is_watch(self) -> bool:
        return "watch" in self.query

    def wait_for_close(self, seconds: float) -> bool:
        """Whether the client closes the connection within this time; it must send nothing more."""
        self.connection.settimeout(seconds)
        try:
            return not self.connection.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True

    def break_off(self) -> None:
        """End the connection in the middle of an answer."""
        self.connection.shutdown(socket.SHUT_RDWR)

    def begin_chunks(self) -> None:
        self._handler.send_response(200)
        self._handler.send_header("Transfer-Encoding", "chunked")
        self._handler.end_headers()

    def write_chunk(self, text: str) -> None:
        body = text.encode()
        self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        self._handler.wfile.flush()


@contextmanager
def serving(answer: Callable[[Request], Answer | None], certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """The URL of a server. `answer` returns (status, body), or None if it has sent the answer itself.

    With a `certificate` (its file and its key's), the server speaks TLS.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            given = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if found := answer(Request(self, given)):
                status, body = found[0], json.dumps(found[1]).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Log nothing."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.handle_one)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
