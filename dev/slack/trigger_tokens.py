"""The short-lived handles Slack gives out with an interaction: trigger ids and response URLs."""

import secrets
import time
from dataclasses import dataclass, field

from dev.slack.workspace import SlackError

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5


@dataclass
class Trigger:
    """Opens one view for one person, once, within three seconds."""

    user: str
    born: float = field(default_factory=time.monotonic)
    used: bool = False


@dataclass
class ResponseUrl:
    """Five answers within half an hour to the place where an interaction happened."""

    channel: str
    user: str
    message_ts: str | None = None
    thread_ts: str | None = None
    born: float = field(default_factory=time.monotonic)
    uses: int = 0


class Handles:
    """All that were given out; kept for the life of the workspace, as it is small."""

    def __init__(self) -> None:
        self._triggers: dict[str, Trigger] = {}
        self._urls: dict[str, ResponseUrl] = {}

    def new_trigger(self, user: str) -> str:
        """A trigger id in Slack's form."""
        trigger_id = f"{time.time_ns() // 1000}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user)
        return trigger_id

    def exchange(self, trigger_id: str) -> str:
        """Use up a trigger and return whose it was. SlackError invalid_, expired_ or exchanged_trigger_id."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if time.monotonic() - trigger.born > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user

    def new_response_url(self, where: ResponseUrl) -> str:
        """The secret last part of a response_url."""
        key = secrets.token_urlsafe(18)
        self._urls[key] = where
        return key

    def respond(self, key: str) -> ResponseUrl:
        """Use a response_url once. SlackError (404) where it is unknown, used up or too old."""
        url = self._urls.get(key)
        if url is None:
            raise SlackError("no_such_url", status=404)
        if time.monotonic() - url.born > RESPONSE_URL_SECONDS:
            raise SlackError("expired_url", status=404)
        if url.uses >= RESPONSE_URL_USES:
            raise SlackError("used_url", status=404)
        url.uses += 1
        return url
