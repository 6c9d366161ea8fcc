"""The two doors by which requests come in: our HTTP port, and Slack's Socket Mode."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError
from waitress.server import BaseWSGIServer, create_server

from bot.slack import UNREACHABLE

log = logging.getLogger(__name__)

WEB_THREADS = 32
RECONNECT = 5.0  # seconds between attempts of the first connection; later ones are the SDK's


def serve_web(web: Flask, listen: str) -> None:
    """Serve `web` at `listen` ("host:port") on the main thread, until SystemExit or KeyboardInterrupt."""
    server = web_server(web, listen)
    log.info("serving", extra={"listen": listen})
    server.run()


def web_server(web: Flask, listen: str) -> BaseWSGIServer:
    """Bound to its port, not yet running."""
    return create_server(web, listen=listen, threads=WEB_THREADS, ident=None, clear_untrusted_proxy_headers=True)


@contextmanager
def socket_mode(app: App, app_token: str) -> Iterator[None]:
    """Slack's requests by a WebSocket of ours; connects as soon as Slack can be reached."""
    handler = SocketModeHandler(app, app_token, logger=logging.getLogger("slack_sdk.socket_mode"))
    stopping = threading.Event()
    threading.Thread(target=_connect, args=(handler, stopping), name="socket-mode", daemon=True).start()
    try:
        yield
    finally:
        stopping.set()
        handler.client.close()


def _connect(handler: SocketModeHandler, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            handler.client.connect_to_new_endpoint()
            return
        except (SlackApiError, *UNREACHABLE) as error:
            log.warning("Socket Mode is not connected yet: %s", error)
            stopping.wait(RECONNECT)
