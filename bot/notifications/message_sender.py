"""MessageSender: posts, finds and edits our messages in Slack, at Slack's pace and with blocks that Slack takes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.rendering.blocks import Json, Message
from bot.rendering.templating import is_person
from bot.slack.client import UNKNOWN_BLOCKS, Slack, TokenRefused, error_word, retry_after
from bot.slack.rate_limiter import RateLimiter
from bot.slack.refusals import PASSING, Refusal, is_final, refusal_of

log = logging.getLogger(__name__)

RESERVED_EDITS = 10  # kept free for results while other jobs report progress
RESERVED_POSTS = 2  # kept free for root messages while threads get posts
RESERVED_HOMES = 3  # kept free for people who turn the pages of App Home
TOO_LONG = {"msg_blocks_too_long", "msg_too_long"}
REFUSED_METADATA = {"invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large"}
REFUSED_METADATA |= {"metadata_must_be_sent_from_app"}
SIMPLE_SECONDS = 3600.0  # after a refusal of the newer blocks, until they are tried again
FOUND_LIMIT = 200  # messages in which a lost one is looked for


class MessageSender:
    """Belongs to the one thread that sends.

    Every method raises NotYet if the pace forbids the call now (then nothing was sent), SlackApiError, TokenRefused
    and UNREACHABLE."""

    def __init__(self, slack: Slack, pace: RateLimiter, clock: Callable[[], float] = time.monotonic) -> None:
        self._slack, self._pace, self._clock = slack, pace, clock
        self._direct: dict[str, str] = {}  # person -> the channel of our direct messages
        self._permalinks: dict[str, str] = {}
        self._simple_until = float("-inf")  # the workspace does not know the newer blocks

    # --- sending ------------------------------------------------------------------------------------------------

    def may_post(self, channel: str, *, in_thread: bool = False) -> None:
        """Take the right to post in `channel`, before the attempt is recorded in the ledger."""
        self._pace.take("chat.postMessage", channel, RESERVED_POSTS if in_thread else 0)

    def post(self, channel: str, message: Message, payload: Json, thread_ts: str | None = None) -> str:
        """Post a message and return its ts. `payload` identifies it if the outcome stays unknown."""
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        answer = self._send(
            "chat.postMessage", channel, message, payload, unfurl_links=False, unfurl_media=False, **thread
        )
        return str(answer["ts"])

    def edit(self, channel: str, ts: str, message: Message, payload: Json, *, urgent: bool) -> None:
        """Replace a message's content. One that is not `urgent` waits while many messages change."""
        if not urgent:
            self._pace.take("progress of one", ts)
            self._pace.take("progress of all")
        self._pace.take("chat.update", reserve=0 if urgent else RESERVED_EDITS)
        self._send("chat.update", channel, message, payload, ts=ts)

    def may_publish(self, person: str, *, urgent: bool) -> None:
        """Take the right to publish the person's App Home. If it is not `urgent`, it leaves room for what is."""
        self._pace.take("views.publish", person, 0 if urgent else RESERVED_HOMES)

    def publish_home(self, person: str, view: Json) -> None:
        """Show `view` as the person's App Home."""
        self._call("views.publish", person, user_id=person, view=view)

    def _send(self, method: str, channel: str, message: Message, payload: Json, **more: Any) -> Any:
        """Post or edit; with simpler content if Slack refuses this one, and in the end with text alone.

        A message without metadata can't be found again: it may be posted twice."""
        metadata = {"event_type": "storewright", "event_payload": {**payload, **message.facts}}
        attempts: list[Json] = [
            {"blocks": message.simple, "metadata": metadata},
            {"blocks": [], "metadata": metadata},
            {"blocks": []},
        ]
        if self._clock() >= self._simple_until:
            attempts.insert(0, {"blocks": message.blocks, "metadata": metadata})
        refused = ""
        while True:
            content = attempts.pop(0)
            try:
                answer = self._call(method, channel, channel=channel, text=message.text, **content, **more)
            except SlackApiError as error:
                refused = error_word(error)
                if refused not in TOO_LONG | UNKNOWN_BLOCKS | REFUSED_METADATA or not attempts:
                    raise
                log.warning("content refused: %s %s", refused, error.response.get("response_metadata"))
                continue
            if refused in UNKNOWN_BLOCKS and content["blocks"] == message.simple != message.blocks:
                self._simple_until = self._clock() + SIMPLE_SECONDS
            return answer

    def _call(self, method: str, scope: str, **parameters: Any) -> Any:
        try:
            return self._slack.api_call(method, json=parameters)
        except SlackApiError as error:
            if refusal_of(error_word(error)) is Refusal.THROTTLED:
                self._pace.hold(method, "" if method == "chat.update" else scope, retry_after(error))
            self._require_token(error)
            raise

    def _require_token(self, refused: SlackApiError) -> None:
        """Raises TokenRefused if the token is why a call was refused: then every other call is refused too."""
        word = error_word(refused)
        if refusal_of(word) is Refusal.NO_RIGHTS:
            try:
                self._slack.auth_test()
            except SlackApiError:
                raise TokenRefused(word) from refused

    def whisper(self, response_url: str, message: Message) -> None:
        """Show a message to one person, best effort."""
        self._slack.whisper(response_url, message)

    # --- finding ------------------------------------------------------------------------------------------------

    def reachable(self, addresses: Iterable[str], attempts: int) -> list[str]:
        """The channels of conversations and people, without people whose direct messages Slack does not open.

        A refusal that may pass is raised, until a message had so many `attempts` that it would be given up."""
        channels: dict[str, None] = {}
        for address in addresses:
            try:
                channels[self.channel_of(address)] = None
            except SlackApiError as error:
                word, refusal = error_word(error), refusal_of(error_word(error))
                if refusal in PASSING and not is_final(refusal, attempts):
                    raise
                log.warning("direct messages not opened: %s", word)
        return list(channels)

    def channel_of(self, address: str) -> str:
        """A conversation's id; for a person, our direct messages with them."""
        if not is_person(address):
            return address
        if address not in self._direct:
            self._direct[address] = self._call("conversations.open", address, users=address)["channel"]["id"]
        return self._direct[address]

    def find(self, channel: str, key: str, since: float, thread_ts: str | None = None) -> str | None:
        """The ts of the newest message with this key in its payload, posted after `since` (epoch seconds) in the
        channel or in one of its threads.

        None too if we may not read the channel: a message that is posted twice is better than none."""
        oldest = {"channel": channel, "oldest": f"{since:.6f}"}
        found = (
            self._read(self._slack.conversations_replies, ts=thread_ts, **oldest)
            if thread_ts
            else self._read(self._slack.conversations_history, **oldest)
        )
        return next((m["ts"] for m in found if payload_of(m).get("key") == key), None)

    def last_event_posted(self, channel: str, thread_ts: str, key: str) -> int:
        """The newest event id among the thread's posts with this key; 0 for none, or if we may not read them."""
        payloads = map(payload_of, self._read(self._slack.conversations_replies, channel=channel, ts=thread_ts))
        return max((int(p["last_event"]) for p in payloads if p.get("key") == key), default=0)

    def permalink(self, channel: str, ts: str) -> str:
        """The address of a message; '' if Slack gives none."""
        if ts not in self._permalinks:
            try:
                answer = self._slack.chat_getPermalink(channel=channel, message_ts=ts)
            except SlackApiError as error:
                log.warning("no permalink: %s", error_word(error))
                return ""
            self._permalinks[ts] = answer["permalink"]
        return self._permalinks[ts]

    def _read(self, method: Callable[..., Any], **where: str) -> list[Json]:
        """The newest messages of a channel or thread; none if Slack lastingly refuses to show them."""
        try:
            messages: list[Json] = method(**where, include_all_metadata=True, limit=FOUND_LIMIT)["messages"]
        except SlackApiError as error:
            word = error_word(error)
            if refusal_of(word) in (Refusal.THROTTLED, Refusal.SLACK_DOWN):
                raise
            log.warning("messages not read: %s", word)
            return []
        return messages


def payload_of(message: Json) -> Json:
    """The payload that `post` and `edit` put into a message, or {}."""
    payload: Json = message.get("metadata", {}).get("event_payload", {})
    return payload
