"""Tokens that Slack issues with interactions: trigger ids and response URLs."""

import secrets
import time
from dataclasses import dataclass, field

from dev.slack.workspace import SlackError

TRIGGER_LIFETIME_SECONDS = 3.0
RESPONSE_URL_LIFETIME_SECONDS = 30 * 60.0
MAX_RESPONSE_URL_USES = 5


@dataclass
class Trigger:
    """The right to open one view, once, within three seconds."""

    user: str
    issued_at: float = field(default_factory=time.monotonic)
    used: bool = False


@dataclass
class ResponseUrl:
    """The right to send five answers to an interaction within 30 minutes."""

    channel: str
    user: str
    message_ts: str | None = None
    thread_ts: str | None = None
    issued_at: float = field(default_factory=time.monotonic)
    uses: int = 0


class TriggerTokens:
    """All issued tokens. They are few and small, so they are kept for the life of the workspace."""

    def __init__(self) -> None:
        self._triggers: dict[str, Trigger] = {}
        self._urls: dict[str, ResponseUrl] = {}

    def issue_trigger_id(self, user: str) -> str:
        """A new trigger id in Slack's format."""
        trigger_id = f"{time.time_ns() // 1000}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user)
        return trigger_id

    def redeem_trigger_id(self, trigger_id: str) -> str:
        """Use up a trigger id and return its user.

        Raises SlackError invalid_trigger_id, expired_trigger_id or exchanged_trigger_id."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if time.monotonic() - trigger.issued_at > TRIGGER_LIFETIME_SECONDS:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user

    def issue_response_url(self, target: ResponseUrl) -> str:
        """The secret last part of a new response_url."""
        key = secrets.token_urlsafe(18)
        self._urls[key] = target
        return key

    def redeem_response_url(self, key: str) -> ResponseUrl:
        """Count one use of a response_url and return its target.

        Raises SlackError (404) if it is unknown, used up or expired."""
        url = self._urls.get(key)
        if url is None:
            raise SlackError("no_such_url", status=404)
        if time.monotonic() - url.issued_at > RESPONSE_URL_LIFETIME_SECONDS:
            raise SlackError("expired_url", status=404)
        if url.uses >= MAX_RESPONSE_URL_USES:
            raise SlackError("used_url", status=404)
        url.uses += 1
        return url
