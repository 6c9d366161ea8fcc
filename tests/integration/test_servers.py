"""HTTP servers at the same port, one after the other, as a waiting bot and then the leader open them."""

from __future__ import annotations

import socket

from bot.web.http_server import bare_web, serve_in_background
from dev.stack import free_port
from tests.workers import PORT_OFFSET


def ask(connection: socket.socket) -> bytes:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return connection.recv(4096)


def test_port_is_free_as_soon_as_its_server_is_closed() -> None:
    port = free_port(3200 + PORT_OFFSET)
    for _ in range(5):
        close = serve_in_background(bare_web(), f"127.0.0.1:{port}")
        with socket.create_connection(("127.0.0.1", port), timeout=5) as idle:
            assert b"404" in ask(idle), "the connection stays open"
            close()
            with socket.create_server(("127.0.0.1", port)) as free:
                assert free.getsockname()[1] == port
