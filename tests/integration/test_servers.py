"""Our doors, one after the other at one port: who waits closes its own, and who works opens another there at once."""

from __future__ import annotations

import socket

from bot.web.http_server import bare_web, serve_beside
from dev.stack import free_port


def ask(connection: socket.socket) -> bytes:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return connection.recv(4096)


def test_a_port_is_free_the_moment_its_server_is_closed() -> None:
    port = free_port(3200)
    for _ in range(5):
        close = serve_beside(bare_web(), f"127.0.0.1:{port}")
        with socket.create_connection(("127.0.0.1", port), timeout=5) as idle:
            assert b"404" in ask(idle), "and it is kept alive"
            close()
            with socket.create_server(("127.0.0.1", port)) as free:
                assert free.getsockname()[1] == port
