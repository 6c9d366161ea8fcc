"""The Slack client: Web API calls, and messages by response_url, which one person sees. It counts both."""

from __future__ import annotations

import json
import logging
import re
from http.client import HTTPException
from typing import Any

from prometheus_client import Counter
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from bot.rendering.blocks import Json, Message

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10
ANSWER_SECONDS = 1  # for a call while Slack waits for our answer, which has 3 s
UNKNOWN_BLOCKS = {"invalid_blocks", "invalid_blocks_format"}  # words for blocks that the workspace does not take
UNREACHABLE = (OSError, HTTPException)  # what a call raises without an answer (URLError is an OSError)


class TokenRefused(Exception):
    """Slack refuses our token, whatever it is used for. The text is Slack's error word."""


class Slack(WebClient):
    """slack_sdk's client without its retries: the outbox is the only layer that retries."""

    def __init__(self, token: str, base_url: str, calls: Counter, timeout: int = TIMEOUT_SECONDS) -> None:
        """`calls` has the labels method and outcome: ok, Slack's error word, or unreachable."""
        super().__init__(token=token, base_url=base_url, timeout=timeout, retry_handlers=[])
        self._calls = calls

    def api_call(self, api_method: str, **parameters: Any) -> SlackResponse:
        """Call a method. Raises SlackApiError for an answer that is not ok, and UNREACHABLE for none."""
        outcome = "unreachable"
        try:
            answer = super().api_call(api_method, **parameters)
            outcome = "ok"
        except SlackApiError as error:
            outcome = error_word(error)
            raise
        finally:
            self._calls.labels(api_method, outcome).inc()
        return answer

    def whisper(self, response_url: str, message: Message) -> bool:
        """Show a message to one person, with simpler content if Slack refuses this one; False if it takes neither.

        A response_url takes five messages within 30 minutes."""
        outcome = self._respond(response_url, message.text, message.blocks)
        if outcome in UNKNOWN_BLOCKS and message.simple != message.blocks:
            outcome = self._respond(response_url, message.text, message.simple)
        return outcome == "ok"

    def _respond(self, response_url: str, text: str, blocks: list[Json]) -> str:
        """Send an ephemeral message; returns "ok" or Slack's word for the error."""
        client = WebhookClient(response_url, timeout=TIMEOUT_SECONDS, retry_handlers=[])
        try:
            answer = client.send(text=text, blocks=blocks, response_type="ephemeral", replace_original=False)
            outcome = "ok" if answer.status_code == 200 else _webhook_word(answer.status_code, answer.body)
        except (*UNREACHABLE, ValueError):  # ValueError for an URL that urllib can't parse
            outcome = "unreachable"
        self._calls.labels("response_url", outcome).inc()
        if outcome != "ok":
            log.warning("response_url refused: %s", outcome)
        return outcome


def error_word(error: SlackApiError) -> str:
    """Slack's word for the error, or http_<status> if it sent none."""
    answer = error.response
    if isinstance(answer.data, dict) and answer.status_code in (200, 429):
        return str(answer.data.get("error", "unknown"))[:60]
    return f"http_{answer.status_code}"


def retry_after(error: SlackApiError) -> float:
    """Seconds that Slack asks us to wait."""
    headers = {name.lower(): value for name, value in error.response.headers.items()}
    return float(headers.get("retry-after", 1))


def _webhook_word(status: int, body: str) -> str:
    """Slack's word for the error, in JSON or as plain text, or http_<status> if it sent none."""
    try:
        body = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        body = body.strip()
    return body if re.fullmatch(r"[a-z_]{3,60}", str(body)) else f"http_{status}"
