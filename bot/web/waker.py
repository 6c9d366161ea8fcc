"""The waker: answers for stores that are asleep. A person's visit wakes the store, and the page turns into the shop."""

from __future__ import annotations

import hashlib
import re
import secrets

from flask import Flask, Request, Response, render_template, request

from bot.web.http_server import bare_web
from provisioner.domain.store import Store
from provisioner.orders import Orders
from provisioner.visits import wake_for_visitor

# What crawlers and monitors call themselves; link previews of chats are among them.
CRAWLER = re.compile("bot|crawl|spider|slurp|preview|externalhit|whatsapp|monitor|uptime|pingdom|probe", re.IGNORECASE)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
RETRY_SECONDS = 10
STATE = "X-Store-Sleeps"  # a header that a shop's own answers do not have; its value says whether it opens soon


def build_waker(orders: Orders) -> Flask:
    """The Flask app. It answers every path of a sleeping store with 503, which crawlers take for a short absence."""
    web = bare_web()

    def answer(path: str) -> Response:
        store = orders.find(request.host)
        if not store:
            return Response("No store has this address.\n", 404, content_type="text/plain; charset=utf-8")
        if not _is_person(request):
            return _closed(store, "Open it in a browser to wake it.\n")
        return _page(store, opens=wake_for_visitor(orders, store))

    for rule in ("/", "/<path:path>"):
        web.add_url_rule(rule, rule, answer, defaults={"path": ""} if rule == "/" else None, methods=METHODS)
    return web


def _is_person(request: Request) -> bool:
    """Whether a browser opens a page for somebody who looks at it. Link previews, probes and API calls are others."""
    ahead = "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    return page and not ahead and not CRAWLER.search(request.headers.get("User-Agent", "bot"))


def _closed(store: Store, hint: str) -> Response:
    text = f"{store.name} is asleep. {hint}"
    return _asleep(Response(text, content_type="text/plain; charset=utf-8"), "asleep")


def _page(store: Store, *, opens: bool) -> Response:
    nonce, hue = secrets.token_urlsafe(16), int.from_bytes(hashlib.sha256(store.name.encode()).digest()[:2]) % 360
    page = render_template("asleep.html", store=store, opens=opens, hue=hue, nonce=nonce, state=STATE)
    response = _asleep(Response(page), "opens" if opens else "stays")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return response


def _asleep(response: Response, state: str) -> Response:
    response.status_code = 503
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    response.headers[STATE] = state
    return response
