"""The two ways we speak to Slack: its Web API, each call counted, and a response_url for what one person sees."""

from __future__ import annotations

import logging
from http.client import HTTPException
from typing import Any

from prometheus_client import Counter
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from bot.rendering.blocks import Message

log = logging.getLogger(__name__)

TIMEOUT = 10  # seconds
UNREACHABLE = (OSError, HTTPException)  # what a call raises where no answer came (URLError is an OSError)

# What Slack answers where we may not read or post, until a person lets us.
NO_ENTRY = {
    "not_in_channel",
    "channel_not_found",
    "is_archived",
    "restricted_action",
    "restricted_action_read_only_channel",
}


class Slack(WebClient):
    """slack_sdk's client without its retries (the outbox is the one retry layer), counting calls by how they ended."""

    def __init__(self, token: str, base_url: str, calls: Counter) -> None:
        """`calls` has the labels method and outcome: ok, Slack's error word, or unreachable."""
        super().__init__(token=token, base_url=base_url, timeout=TIMEOUT, retry_handlers=[])
        self._calls = calls

    def api_call(self, api_method: str, **given: Any) -> SlackResponse:
        """Raises SlackApiError for an answer that is not ok, and UNREACHABLE for none."""
        outcome = "unreachable"
        try:
            answer = super().api_call(api_method, **given)
            outcome = "ok"
        except SlackApiError as error:
            outcome = error_word(error)
            raise
        finally:
            self._calls.labels(api_method, outcome).inc()
        return answer


def error_word(error: SlackApiError) -> str:
    """Slack's own word for what went wrong; 'http_503' and the like where it gave none."""
    answer = error.response
    if isinstance(answer.data, dict) and answer.status_code in (200, 429):
        return str(answer.data.get("error", "unknown"))[:60]
    return f"http_{answer.status_code}"


def retry_after(error: SlackApiError) -> float:
    """Seconds Slack asks us to wait."""
    headers = {name.lower(): value for name, value in error.response.headers.items()}
    return float(headers.get("retry-after", 1))


def whisper(response_url: str, said: Message) -> None:
    """Tell one person by a response_url, best effort: it is never the only copy of a result."""
    client = WebhookClient(response_url, timeout=TIMEOUT, retry_handlers=[])
    try:
        answer = client.send(text=said.text, blocks=said.simple, response_type="ephemeral", replace_original=False)
        if answer.status_code != 200:
            log.warning("a response_url was refused: %s %s", answer.status_code, answer.body[:60])
    except UNREACHABLE as error:
        log.warning("a response_url could not be reached: %s", error)
