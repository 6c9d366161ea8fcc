"""The edge of a bot under hostile input: sends requests, and requires that the bot took each of them calmly."""

from __future__ import annotations

import http.client
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import slack_sdk
from slack_sdk.webhook import WebhookClient, WebhookResponse

from dev.slack.block_validation import check_message, check_view
from dev.slack.delivery import sign
from tests.integration.bot_harness import Bot
from tests.integration.malformed_payloads import Sent

MAX_TEXT, MAX_FIELD_ERROR = 40_000, 3_000  # characters that Slack takes
MAX_ANSWER_BYTES = 100_000
MAX_LOG_LINE = 300  # characters of a refusal
TIMEOUT_SECONDS = 30
REFUSALS = ("malformed request refused", "request without a listener ignored", "request with a wrong signature")


@dataclass(frozen=True)
class Answer:
    """The bot's answer to one request."""

    status: int
    body: bytes


class Records(logging.Handler):
    """Keeps the log records of one request."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record)

    @property
    def refusals(self) -> list[str]:
        """The lines that say that a request was refused."""
        return [record.getMessage() for record in self.kept if record.getMessage().startswith(REFUSALS)]

    def require_no_errors(self) -> None:
        """`slack_sdk` logs an error for each response_url that it can't reach."""
        errors = [r for r in self.kept if r.exc_info or (r.levelno >= logging.ERROR and r.name[:9] != "slack_sdk")]
        assert not errors, f"{errors[0].getMessage()} {errors[0].exc_info}"


class Edge:
    """One bot's endpoint, over one connection."""

    def __init__(self, bot: Bot) -> None:
        self.bot, self.records = bot, Records()
        host, port = bot.url.removeprefix("http://").split(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_SECONDS)
        self.wrong: list[str] = []  # what the bot sent to Slack and Slack would refuse

    def request(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """Send any request. Its answer, the log and what went to Slack meanwhile must be without fault."""
        self.records.kept.clear()
        self._connection.request(method, path, body, {**(headers or {}), "Content-Length": str(len(body))})
        response = self._connection.getresponse()
        answer = Answer(response.status, response.read())
        assert answer.status < 500, answer
        assert len(answer.body) <= MAX_ANSWER_BYTES, len(answer.body)
        self.records.require_no_errors()
        assert not self.wrong, self.wrong.pop()
        return answer

    def post(self, sent: Sent, **changed: str) -> Answer:
        """Send a request of Slack's; `changed` are other values of the headers `at` and `signature`."""
        at = changed.get("at", str(int(time.time())))
        signature = changed.get("signature", sign(self.bot.slack.signing_secret, sent.body, at))
        headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature, "Content-Type": sent.content_type}
        return self.request("POST", "/slack/events", sent.body, headers)

    def post_signed(self, sent: Sent) -> Answer:
        """Send a signed request: it is answered, or refused with one log line."""
        answer = self.post(sent)
        assert answer.status in (200, 400, 401, 404, 413), answer  # 401: it is signed as text, and not UTF-8
        refusals = self.records.refusals
        assert len(refusals) == (answer.status != 200), refusals
        assert all(len(line) < MAX_LOG_LINE for line in refusals), refusals
        if answer.status == 200 and answer.body:
            problems = list(_problems(_parsed(answer.body)))
            assert not problems, (problems, answer)
        return answer


@contextmanager
def hostile_edge(bot: Bot) -> Iterator[Edge]:
    """The bot's edge. Whatever goes to Slack meanwhile is checked as Slack would, and response_urls lead nowhere."""
    edge = Edge(bot)
    call = slack_sdk.WebClient.api_call

    def checked_call(client: slack_sdk.WebClient, method: str, **more: Any) -> Any:
        edge.wrong += _problems(more.get("json") or more.get("params") or {})
        return call(client, method, **more)

    def checked_send(client: WebhookClient, **content: Any) -> WebhookResponse:
        edge.wrong += _problems(content)
        return WebhookResponse(url=client.url, status_code=200, body="ok", headers={})

    logging.getLogger().addHandler(edge.records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slack_sdk.WebClient, "api_call", checked_call)
        patch.setattr(WebhookClient, "send", checked_send)
        yield edge
    logging.getLogger().removeHandler(edge.records)


def _parsed(body: bytes) -> dict[str, Any]:
    """An answer to Slack; plain text is the text of a message."""
    try:
        found = json.loads(body)
    except ValueError:
        found = body.decode()
    return found if isinstance(found, dict) else {"text": str(found)}


def _problems(content: dict[str, Any]) -> Iterator[str]:
    """Why Slack would refuse a message, a view, or the errors of a form."""
    content = {key: _plain(value) for key, value in content.items()}
    if len(content.get("text") or "") > MAX_TEXT:
        yield f"a text of {len(content['text'])} characters"
    if blocks := content.get("blocks"):
        yield from check_message(blocks)
    if view := content.get("view"):
        yield from check_view(view)
    for field, error in (content.get("errors") or {}).items():
        if not 0 < len(error) <= MAX_FIELD_ERROR:
            yield f"an error of {len(error)} characters at {field}"


def _plain(value: Any) -> Any:
    """Blocks and views of slack_sdk, and JSON text, as plain values."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    return value.to_dict() if hasattr(value, "to_dict") else value
