"""HTTP server: Flask apps on waitress."""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask, Response, make_response, render_template
from waitress.server import BaseWSGIServer, create_server

from provisioner.domain.errors import StorewrightError
from provisioner.log_context import bound, bound_ids, new_id

log = logging.getLogger(__name__)

WEB_THREADS = 32
OPS_THREADS = 4
LOOP_SECONDS = 1  # waitress' asyncore_loop_timeout


class CannotListen(StorewrightError):
    """The bot can't listen on its port."""


def bare_web() -> Flask:
    """A Flask app without pages.

    Each request has an id, in its log lines and its response. Responses are not cached."""
    web = Flask("bot.web", static_folder=None)
    web.url_map.merge_slashes = False  # it redirects to the host that the request names
    wsgi_app = web.wsgi_app

    def with_id(environ: Any, start_response: Any) -> Any:
        with bound(request=new_id()):
            return wsgi_app(environ, start_response)

    web.wsgi_app = with_id  # type: ignore[method-assign]
    web.after_request(_add_headers)
    return web


def _add_headers(response: Response) -> Response:
    response.headers |= {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
        "X-Frame-Options": "DENY",
        "X-Request-Id": bound_ids().get("request", ""),
    }
    return response


def html_page(template: str, form_action: str = "'self'", **values: object) -> Response:
    """A page that runs only the scripts and styles with its `nonce`, and sends its forms to `form_action`."""
    nonce = secrets.token_urlsafe(16)
    response = make_response(render_template(template, nonce=nonce, **values))
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        f"base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
    )
    return response


def read_json(text: str) -> object:
    """The value of a JSON text. Raises ValueError, also for thousands of brackets."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("too deep") from error


def serve_until_signal(web: Flask, listen: str) -> None:
    """Serve `web` at `listen` (host:port) on this thread until SystemExit or KeyboardInterrupt.

    Raises CannotListen."""
    server = web_server(web, listen)
    log.info("HTTP server started", extra={"listen": listen})
    server.run()


def serve_in_background(web: Flask, listen: str, threads: int = OPS_THREADS) -> Callable[[], None]:
    """Serve `web` on its own thread.

    The returned function stops the server and frees the port.
    Raises CannotListen."""
    server = web_server(web, listen, threads)
    closing = threading.Event()

    def run() -> None:
        try:
            server.run()
        except OSError:
            if not closing.is_set():  # of a connection that came while all were closed
                raise

    thread = threading.Thread(target=run, name=f"web {listen}", daemon=True)
    thread.start()

    def close_all() -> None:
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        server.close()

    def close() -> None:
        closing.set()
        with suppress(OSError):  # the server has ended already
            server.trigger.pull_trigger(close_all)  # on its own thread, which fails if a socket that it polls is closed
        thread.join(LOOP_SECONDS + 1)
        server.task_dispatcher.shutdown()

    return close


def web_server(web: Flask, listen: str, threads: int = WEB_THREADS) -> BaseWSGIServer:
    """A server that listens on its port, not running yet.

    Raises CannotListen."""
    try:
        options = {"ident": None, "clear_untrusted_proxy_headers": True, "asyncore_loop_timeout": LOOP_SECONDS}
        return create_server(web, listen=listen, threads=threads, **options)
    except OSError as error:
        cause, next_step = error.strerror or str(error), "Free that port, or set another one."
        raise CannotListen(f"The bot can't listen on {listen}.", f"{cause}.", next_step) from None
