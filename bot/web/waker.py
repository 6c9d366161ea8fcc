"""The waker: answers for stores that are asleep. A person's visit wakes the store, and the page turns into the shop."""

from __future__ import annotations

import hashlib

from flask import Flask, Request, Response, request

from bot.web.http_server import bare_web, html_page
from provisioner.domain.idleness import is_crawler
from provisioner.domain.store import Store
from provisioner.orders import Orders
from provisioner.visits import wake_for_visitor

RETRY_SECONDS = 10
MARK = "X-Store-Asleep"  # a header that a shop's own answers do not have


def build_waker(orders: Orders) -> Flask:
    """The Flask app. It answers every path of a sleeping store with 503, which crawlers take for a short absence."""
    web = bare_web()

    @web.before_request  # whatever the path and the method
    def answer() -> Response:
        store = orders.lookup.find(request.host)
        if not store:
            return Response("No store has this address.\n", 404, content_type="text/plain; charset=utf-8")
        if not _is_person(request):
            text = f"{store.name} is asleep. Open it in a browser to wake it.\n"
            return _asleep(Response(text, content_type="text/plain; charset=utf-8"))
        return _asleep(_page(store, opens=wake_for_visitor(orders, store)))

    return web


def _is_person(request: Request) -> bool:
    """Whether a browser opens a page for somebody who looks at it. Link previews, probes and API calls are others."""
    ahead = "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    looks = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    return looks and not ahead and not is_crawler(request.headers.get("User-Agent", ""))


def _page(store: Store, *, opens: bool) -> Response:
    hue = int.from_bytes(hashlib.sha256(store.name.encode()).digest()[:2]) % 360
    return html_page("asleep.html", form_action="'none'", store=store, opens=opens, hue=hue, mark=MARK)


def _asleep(response: Response) -> Response:
    response.status_code = 503
    response.headers |= {"Retry-After": str(RETRY_SECONDS), MARK: "yes"}
    return response
