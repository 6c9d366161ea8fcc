"""The doors by which requests come in: our HTTP ports, and Slack's Socket Mode."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from waitress.server import BaseWSGIServer, create_server

from bot.slack.client import UNREACHABLE, error_word
from provisioner.domain.errors import StorewrightError
from provisioner.log_context import bound, bound_ids, new_id

log = logging.getLogger(__name__)

WEB_THREADS = 32
OPS_THREADS = 4
LOOP = 1  # seconds after which waitress' loop looks what it serves, its `asyncore_loop_timeout`
RECONNECT = 5.0  # seconds between attempts of the first connection; later ones are the SDK's
RECONNECTED = 20.0  # seconds within which a connection that Slack ends (it does, every few hours) is there again


class NotConnected(StorewrightError):
    """Slack has no connection to us."""


class CannotListen(StorewrightError):
    """A port of ours is taken, or not ours to take."""


def bare_web() -> Flask:
    """An app without pages: each request has an id, that its log lines and its answer carry; nothing is cached."""
    web = Flask("bot.web", static_folder=None)
    answer = web.wsgi_app

    def with_id(environ: Any, start_response: Any) -> Any:
        with bound(request=new_id()):
            return answer(environ, start_response)

    web.wsgi_app = with_id  # type: ignore[method-assign]
    web.after_request(_harden)
    return web


def _harden(response: Response) -> Response:
    response.headers |= {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
        "X-Frame-Options": "DENY",
        "X-Request-Id": bound_ids().get("request", ""),
    }
    return response


def serve_web(web: Flask, listen: str) -> None:
    """Serve `web` at `listen` ("host:port") on the main thread, until SystemExit or KeyboardInterrupt."""
    server = web_server(web, listen)
    log.info("serving", extra={"listen": listen})
    server.run()


def serve_beside(web: Flask, listen: str) -> Callable[[], None]:
    """Serve `web` on a thread of its own; what is returned ends that and frees the port. Raises CannotListen."""
    server = web_server(web, listen, OPS_THREADS)
    thread = threading.Thread(target=server.run, name=f"web {listen}", daemon=True)
    thread.start()

    def close() -> None:
        server.close()
        thread.join(LOOP + 1)  # the kernel keeps a port that a thread still polls

    return close


def web_server(web: Flask, listen: str, threads: int = WEB_THREADS) -> BaseWSGIServer:
    """Bound to its port, not yet running. Raises CannotListen."""
    try:
        options = {"ident": None, "clear_untrusted_proxy_headers": True, "asyncore_loop_timeout": LOOP}
        return create_server(web, listen=listen, threads=threads, **options)
    except OSError as error:
        why = error.strerror or str(error)
        raise CannotListen(f"The bot can't listen at {listen}.", f"{why}.", "Free that port or set another.") from None


class SocketMode:
    """Slack's requests by a WebSocket of ours."""

    def __init__(self, app_token: str) -> None:
        self._app_token = app_token
        self._client: SocketModeClient | None = None
        self._last_trouble = ""
        self._connected_at = float("-inf")  # by the monotonic clock, when it was last seen so

    @contextmanager
    def serving(self, app: App) -> Iterator[None]:
        """Connects as soon as Slack can be reached, and again whenever that connection ends."""
        logger = logging.getLogger("slack_sdk.socket_mode")
        self._client = SocketModeHandler(app, self._app_token, logger=logger).client
        stopping = threading.Event()
        threading.Thread(target=self._connect, args=(self._client, stopping), name="socket-mode", daemon=True).start()
        try:
            yield
        finally:
            stopping.set()
            self._client.close()

    def check(self) -> None:
        """Raises NotConnected where Slack's requests have not reached us for longer than a reconnection takes."""
        if self._client and self._client.is_connected():
            self._connected_at = time.monotonic()
        elif time.monotonic() - self._connected_at > RECONNECTED:
            what = "Socket Mode is not connected: Slack's requests do not reach us."
            raise NotConnected(what, self._last_trouble, "See what Slack says: storewright doctor")

    def _connect(self, client: SocketModeClient, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                client.connect_to_new_endpoint()
                self._last_trouble = ""
                return
            except SlackApiError as error:
                self._last_trouble = f"Slack answers {error_word(error)} to SLACK_APP_TOKEN."
            except UNREACHABLE as error:
                self._last_trouble = f"Slack can't be reached: {error}."
            log.warning("Socket Mode is not connected yet: %s", self._last_trouble)
            stopping.wait(RECONNECT)
