"""The doors by which requests come in: our HTTP ports, and Slack's Socket Mode."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError
from waitress.server import BaseWSGIServer, create_server

from bot.slack import UNREACHABLE
from provisioner.errors import StorewrightError
from provisioner.tracing import bound, bound_ids, new_id

log = logging.getLogger(__name__)

WEB_THREADS = 32
OPS_THREADS = 4
LOOP = 1  # seconds after which waitress' loop looks what it serves, its `asyncore_loop_timeout`
RECONNECT = 5.0  # seconds between attempts of the first connection; later ones are the SDK's


class CannotListen(StorewrightError):
    """A port of ours is taken, or not ours to take."""


def bare_web() -> Flask:
    """An app without pages: each request has an id, that its log lines and its answer carry; nothing is cached."""
    web = Flask("bot", static_folder=None)
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
