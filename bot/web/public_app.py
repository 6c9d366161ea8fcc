"""Public app: Slack's endpoint and the pages of one-time links."""

from __future__ import annotations

from flask import Flask, request

from bot.web.http_server import bare_web
from bot.web.one_time_pages import PageDependencies, add_pages
from bot.web.ops_endpoints import Ops, add_ops
from bot.web.slack_endpoint import SlackEndpoint

MAX_SLACK_BODY_BYTES = 1_000_000  # Slack's own requests are far smaller


def build_public_app(pages: PageDependencies, slack: SlackEndpoint | None, ops: Ops | None) -> Flask:
    """The Flask app. `slack` is None in Socket Mode; `ops` is None if they have a port of their own."""
    web = bare_web()
    web.config["MAX_CONTENT_LENGTH"] = MAX_SLACK_BODY_BYTES
    if slack:
        web.post("/slack/events", endpoint="slack")(lambda: slack.answer(request))
    add_pages(web, pages)
    if ops:
        add_ops(web, ops)
    return web
