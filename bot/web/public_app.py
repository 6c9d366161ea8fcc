"""Public app: Slack's endpoint and the credential page."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Request, Response, jsonify, make_response, render_template, request

from bot.web.http_server import bare_web, read_json
from bot.web.ops_endpoints import Ops, add_ops
from bot.web.slack_endpoint import SlackEndpoint
from provisioner import credential_links
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import LinkRefused, Problem, StorewrightError, Transient
from provisioner.domain.store import Store
from provisioner.ledger.ledger import Ledger
from provisioner.log_context import bound_ids

log = logging.getLogger(__name__)

MAX_SLACK_BODY_BYTES = 1_000_000  # Slack's own requests are far smaller
MAX_REVEAL_BODY_BYTES = 4_096


@dataclass(frozen=True)
class PageDependencies:
    """Dependencies of the credential page.

    `read_secret` returns a store's Secret as key -> value."""

    ledger: Ledger
    catalog: Catalog
    read_secret: Callable[[Store], dict[str, str]]
    public_origin: str


def build_public_app(pages: PageDependencies, slack: SlackEndpoint | None, ops: Ops | None) -> Flask:
    """The Flask app. `slack` is None in Socket Mode; `ops` is None if they have a port of their own."""
    web = bare_web()
    web.config["MAX_CONTENT_LENGTH"] = MAX_SLACK_BODY_BYTES
    if slack:
        web.post("/slack/events", endpoint="slack")(lambda: slack.answer(request))
    web.get("/s/<link_id>", endpoint="page")(lambda link_id: _page())
    web.post("/s/<link_id>", endpoint="reveal")(lambda link_id: _reveal(pages, link_id))
    if ops:
        add_ops(web, ops)
    return web


# --- the credential page -----------------------------------------------------------------------------------------


def _page() -> Response:
    """The credential page, which is the same for every link.

    A GET changes nothing and contains no token, as crawlers may send it."""
    nonce = secrets.token_urlsafe(16)
    page = make_response(render_template("credentials.html", nonce=nonce))
    page.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page


def _reveal(pages: PageDependencies, link_id: str) -> tuple[Response, int]:
    """Answer with the credentials and invalidate the link.

    An error leaves the link valid."""
    token = _token(pages, request)
    if not token:
        return _problem(Problem("Open this page with the link from Slack."), 403)
    try:
        detail = f"link {link_id[:40]} from {request.remote_addr}"
        store, secret = credential_links.reveal(
            pages.ledger, link_id, token, pages.read_secret, detail=detail, request_id=bound_ids()["request"]
        )
    except LinkRefused as refusal:
        return _problem(refusal.problem, 410)
    except Transient as error:
        log.warning("credentials not read: %s", error)
        return _problem(UNREADABLE, 503)
    except StorewrightError as error:  # e.g. a deleted Secret: a retry would fail too
        log.error("credentials not read: %s", error)
        return _problem(error.problem, 500)
    except Exception:
        log.exception("credentials not read")
        return _problem(UNREADABLE, 503)
    log.info("credentials revealed", extra={"store": store.name})
    return _revealed(pages, store, secret), 200


UNREADABLE = Problem(
    "The credentials can't be read right now.",
    "The cluster does not answer correctly. Your link still works.",
    "Try again in a moment.",
)


def _token(pages: PageDependencies, post: Request) -> str:
    """The token in a request from the credential page; '' for a request from any other page."""
    post.max_content_length = MAX_REVEAL_BODY_BYTES
    own_page = post.headers.get("Origin") == pages.public_origin
    own_page = own_page and post.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    try:
        body = read_json(post.get_data(as_text=True)) if own_page and post.is_json else None
    except ValueError:
        body = None
    token = body.get("token") if isinstance(body, dict) else None
    return token if isinstance(token, str) else ""


def _revealed(pages: PageDependencies, store: Store, secret: dict[str, str]) -> Response:
    credentials = [
        {"label": key.replace("-", " ").capitalize(), "value": secret[key]}
        for key in pages.catalog.get(store.type).credentials
        if key in secret
    ]
    return jsonify(store=store.name, admin_url=store.admin_url, credentials=credentials)


def _problem(problem: Problem, status: int) -> tuple[Response, int]:
    answer = jsonify(what=problem.what, cause=problem.cause, next_step=problem.next_step)
    if status == 503:
        answer.headers["Retry-After"] = "5"
    return answer, status
