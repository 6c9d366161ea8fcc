"""Our messages in Slack: posted, found again, edited in place; at Slack's pace and with what blocks it takes."""

from __future__ import annotations

import logging
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.rendering.blocks import Json, Message
from bot.rendering.templating import is_person
from bot.slack.client import Slack, error_word, retry_after
from bot.slack.rate_limiter import RateLimiter

log = logging.getLogger(__name__)

RESERVED_EDITS = 10  # kept back for results while work goes on elsewhere
RESERVED_POSTS = 2  # kept back for root messages while threads are told
BAD_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}
THROTTLED = {"ratelimited", "http_429"}


class MessageSender:
    """Every method raises NotYet where our pace forbids the call now (nothing was sent then), SlackApiError, and
    UNREACHABLE. It belongs to the one thread that sends."""

    def __init__(self, slack: Slack) -> None:
        self._slack, self._pace = slack, RateLimiter()
        self._direct: dict[str, str] = {}  # person -> the channel of our direct messages
        self._permalinks: dict[str, str] = {}
        self._only_simple = False  # this Slack refused the newer blocks once

    # --- sending ------------------------------------------------------------------------------------------------

    def may_post(self, channel: str, *, in_thread: bool = False) -> None:
        """Claim the right to post in `channel`; to be called before the attempt is noted in the ledger."""
        self._pace.take("chat.postMessage", channel, RESERVED_POSTS if in_thread else 0)

    def post(self, channel: str, said: Message, payload: Json, thread_ts: str | None = None) -> str:
        """The new message's ts. `payload` is what it is found by, should we not hear how this ended."""
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        answer = self._send(
            "chat.postMessage", channel, said, payload, unfurl_links=False, unfurl_media=False, **thread
        )
        return str(answer["ts"])

    def edit(self, channel: str, ts: str, said: Message, payload: Json, *, urgent: bool) -> None:
        """Make the message say `said`; what is not `urgent` waits where many change at once."""
        if not urgent:
            self._pace.take("progress of one", ts)
            self._pace.take("progress of all")
        self._pace.take("chat.update", reserve=0 if urgent else RESERVED_EDITS)
        self._send("chat.update", channel, said, payload, ts=ts)

    def publish_home(self, person: str, view: Json) -> None:
        """Show `view` as the person's App Home."""
        self._pace.take("views.publish", person)
        self._call("views.publish", person, user_id=person, view=view)

    def _send(self, method: str, channel: str, said: Message, payload: Json, **more: Any) -> Any:
        """Post or edit, with plainer blocks where Slack refuses these, and with none where it refuses those too."""
        more["metadata"] = {"event_type": "storewright", "event_payload": {**payload, **said.facts}}
        attempts: list[list[Json]] = [said.simple, []] if self._only_simple else [said.blocks, said.simple, []]
        while True:
            shown = attempts.pop(0)
            try:
                return self._call(method, channel, channel=channel, text=said.text, blocks=shown, **more)
            except SlackApiError as error:
                if error_word(error) not in BAD_BLOCKS or not attempts:
                    raise
                log.warning("Slack refused the blocks: %s", error.response.get("response_metadata"))
                self._only_simple = said.blocks != said.simple

    def _call(self, method: str, scope: str, **given: Any) -> Any:
        try:
            return self._slack.api_call(method, json=given)
        except SlackApiError as error:
            if error_word(error) in THROTTLED:
                self._pace.hold(method, "" if method == "chat.update" else scope, retry_after(error))
            raise

    # --- finding ------------------------------------------------------------------------------------------------

    def channel_of(self, place: str) -> str:
        """A conversation's id; a person's is our direct messages with them."""
        if not is_person(place):
            return place
        if place not in self._direct:
            self._direct[place] = self._slack.conversations_open(users=place)["channel"]["id"]
        return self._direct[place]

    def find(self, channel: str, key: str, since: float) -> str | None:
        """The ts of the message posted with this key in its payload after `since` (epoch seconds)."""
        answer = self._slack.conversations_history(
            channel=channel, oldest=f"{since:.6f}", include_all_metadata=True, limit=200
        )
        return next((m["ts"] for m in answer["messages"] if payload_of(m).get("key") == key), None)

    def last_event_told(self, channel: str, thread_ts: str, key: str) -> int:
        """The newest event id among the thread's posts with this key; 0 for none."""
        answer = self._slack.conversations_replies(channel=channel, ts=thread_ts, include_all_metadata=True, limit=200)
        payloads = map(payload_of, answer["messages"])
        return max((int(p["last_event"]) for p in payloads if p.get("key") == key), default=0)

    def permalink(self, channel: str, ts: str) -> str:
        """The address of a message; '' where Slack gives none."""
        if ts not in self._permalinks:
            try:
                answer = self._slack.chat_getPermalink(channel=channel, message_ts=ts)
            except SlackApiError as error:
                log.warning("no link to a message: %s", error_word(error))
                return ""
            self._permalinks[ts] = answer["permalink"]
        return self._permalinks[ts]


def payload_of(message: Json) -> Json:
    """Our own mark on a message of ours, or {}."""
    payload: Json = message.get("metadata", {}).get("event_payload", {})
    return payload
