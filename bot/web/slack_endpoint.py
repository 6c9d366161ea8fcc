"""SlackEndpoint: Slack's request URL. It checks the signature, then the payload, and lets the app answer."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import Request, Response, jsonify, make_response
from slack_bolt import App
from slack_bolt.adapter.flask.handler import to_flask_response
from werkzeug.exceptions import RequestEntityTooLarge

from bot.slack.app import dispatch
from bot.slack.signature import SignatureCheck
from bot.web.http_server import read_json

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SlackEndpoint:
    """Answers Slack's requests by HTTP."""

    app: App
    signature_check: SignatureCheck

    def answer(self, request: Request) -> Response:
        """401 for an unsigned request, 400 for a malformed one, 413 for a large one, 404 for one without a listener."""
        try:
            body = request.get_data(as_text=True)
        except RequestEntityTooLarge:
            log.warning("malformed request refused: more than %s bytes", request.max_content_length)
            return _refused(413, "request too large")
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        if not self.signature_check.passes(body, timestamp, request.headers.get("X-Slack-Signature", "")):
            return _refused(401, "invalid request")
        try:
            payload = payload_of(body)
        except ValueError as error:
            log.warning("malformed request refused: %s", type(error).__name__)
            return _refused(400, "malformed request")
        if isinstance(payload, dict) and payload.get("type") == "url_verification":  # when the URL is set up in Slack
            return jsonify(challenge=str(payload.get("challenge", "")))
        return to_flask_response(dispatch(self.app, payload))


def payload_of(body: str) -> object:
    """The JSON of an event, the JSON in the field `payload` of an interaction, or the fields of a command.

    Raises ValueError."""
    if body.startswith("{"):
        return read_json(body)
    fields = dict(parse_qsl(body, keep_blank_values=True))
    return read_json(fields["payload"]) if "payload" in fields else fields


def _refused(status: int, error: str) -> Response:
    return make_response(jsonify(error=error), status)
