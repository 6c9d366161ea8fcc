"""A TCP proxy between one bot and the API server, which a test takes away from that bot only."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from urllib.parse import urlsplit


class Mode(Enum):
    """What the proxy does with connections."""

    FORWARD = auto()
    REFUSE = auto()  # it closes them
    HANG = auto()  # it forwards nothing


class ApiProxy:
    """Forwards to the server of a kubeconfig, for a `with` block."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock, self._may_forward = threading.Lock(), threading.Event()
        self._mode = Mode.FORWARD
        self._may_forward.set()

    def redirect(self, kubeconfig: Path) -> None:
        """Let the kubeconfig lead to this proxy."""
        content = json.loads(kubeconfig.read_text())
        server = content["clusters"][0]["cluster"]
        address = urlsplit(server["server"])
        self._target = (address.hostname, address.port)
        server |= {
            "server": f"https://127.0.0.1:{self._listener.getsockname()[1]}",
            "tls-server-name": address.hostname,
        }
        kubeconfig.write_text(json.dumps(content))

    def set(self, mode: Mode) -> None:
        """Treat all connections like that from now on."""
        self._mode = mode
        (self._may_forward.clear if mode is Mode.HANG else self._may_forward.set)()
        if mode is Mode.REFUSE:
            with self._lock:
                for connection in self._open:
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> ApiProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.set(Mode.REFUSE)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._mode is Mode.REFUSE:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._target) as server:
            with self._lock:
                self._open |= {client, server}
            back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
            back.start()
            self._copy(client, server)
            back.join()
            with self._lock:
                self._open -= {client, server}

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65536):
                self._may_forward.wait()
                target.sendall(part)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
