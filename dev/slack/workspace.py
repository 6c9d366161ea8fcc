"""The workspace's memory: its people, channels and messages. Every change wakes whoever is watching."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

TEAM_ID, TEAM_NAME = "T0LOCAL01", "Local Slack"
APP_ID, BOT_ID, BOT_USER = "A0STOREWR", "B0STOREWR", "U0STOREWR"
SLACKBOT = "USLACKBOT"


class SlackError(Exception):
    """A Web API refusal: `code` is Slack's own error word, `extra` joins the JSON answer."""

    def __init__(self, code: str, *messages: str, status: int = 200, headers: dict[str, str] | None = None):
        super().__init__(code, *messages)
        self.code = code
        self.status = status
        self.headers = headers or {}
        self.extra: Json = {"response_metadata": {"messages": list(messages)}} if messages else {}


@dataclass(frozen=True)
class User:
    """A person or a bot; `id` is stable, so that settings such as ADMINS can name it."""

    id: str
    name: str
    real_name: str
    is_admin: bool = False
    is_bot: bool = False


PEOPLE = (
    User("U0DANA001", "dana", "Dana"),
    User("U0ADA0001", "ada", "Ada", is_admin=True),
    User("U0OLI0001", "oli", "Oli"),
    User(BOT_USER, "storewright", "Storewright", is_bot=True),
    User(SLACKBOT, "slackbot", "Slackbot", is_bot=True),
)
HUMANS = tuple(user.id for user in PEOPLE if not user.is_bot)


@dataclass
class Channel:
    """A channel or a direct message ("im"), with its messages by `ts` in the order they were said."""

    id: str
    name: str
    members: set[str]
    is_im: bool = False
    topic: str = ""
    messages: dict[str, Json] = field(default_factory=dict)
    ephemerals: list[Json] = field(default_factory=list)

    def thread(self, ts: str) -> list[Json]:
        """The parent and its replies, oldest first; empty where there is no such message."""
        return [m for m in self.messages.values() if ts in (m["ts"], m.get("thread_ts"))]


class Workspace:
    """All state, changed only on the server's event loop; `version` grows by one with each change."""

    def __init__(self) -> None:
        self.users = {user.id: user for user in PEOPLE}
        self.channels: dict[str, Channel] = {}
        self.version = 0
        self.closing = False
        self._changed = asyncio.Event()
        self._last_ts = 0.0
        everyone = set(HUMANS)
        self._add(Channel("C0STORES1", "stores", everyone | {BOT_USER}, topic="Order a store with /store"))
        self._add(Channel("C0FAILURE", "store-failures", everyone | {BOT_USER}, topic="What went wrong, and why"))
        self._add(Channel("C0RANDOM1", "random", set(everyone), topic="The app is not in this channel"))

    def _add(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        return channel

    # -- looking things up -------------------------------------------------------------------------------

    def user(self, who: str) -> User:
        """Find by id, name or "@name"; SlackError user_not_found otherwise."""
        wanted = who.lstrip("@")
        for user in self.users.values():
            if wanted == user.id or wanted.lower() == user.name:
                return user
        raise SlackError("user_not_found")

    def channel(self, where: str) -> Channel:
        """Find by id, name or "#name"; SlackError channel_not_found otherwise."""
        wanted = where.lstrip("#")
        for channel in self.channels.values():
            if wanted == channel.id or (wanted == channel.name and not channel.is_im):
                return channel
        raise SlackError("channel_not_found")

    def channel_id(self, where: str) -> str:
        """The id behind a channel's name; what is no channel stays as it is."""
        try:
            return self.channel(where).id
        except SlackError:
            return where

    def dm(self, user_id: str) -> Channel:
        """The direct message between this person and the bot, opened on first use."""
        members = {self.user(user_id).id, BOT_USER}
        for channel in self.channels.values():
            if channel.is_im and channel.members == members:
                return channel
        number = sum(c.is_im for c in self.channels.values()) + 1
        return self._add(Channel(f"D0DIRECT{number}", "directmessage", members, is_im=True))

    def visible_to(self, user_id: str) -> Iterator[Channel]:
        """The channels in this person's sidebar."""
        return (c for c in self.channels.values() if user_id in c.members)

    def message(self, channel: Channel, ts: str) -> Json:
        """SlackError message_not_found where there is none."""
        if ts not in channel.messages:
            raise SlackError("message_not_found")
        return channel.messages[ts]

    # -- saying things -----------------------------------------------------------------------------------

    def next_ts(self) -> str:
        """Slack's message id: seconds with six decimals, strictly growing."""
        self._last_ts = max(time.time(), self._last_ts + 0.000001)
        return f"{self._last_ts:.6f}"

    def post(self, channel: Channel, author: str, content: Json, *, thread_ts: str | None = None) -> Json:
        """Append a message; `content` holds text, blocks, metadata and the like. Returns the message."""
        message: Json = {"type": "message", "ts": self.next_ts(), "user": author, "team": TEAM_ID, **content}
        if author == BOT_USER:
            message |= {"bot_id": BOT_ID, "app_id": APP_ID}
        if thread_ts:
            parent = self.parent(channel, thread_ts)
            message["thread_ts"] = parent["ts"]
            channel.messages[message["ts"]] = message
            self._count_replies(channel, parent)
        channel.messages[message["ts"]] = message
        self.touch()
        return message

    def parent(self, channel: Channel, thread_ts: str) -> Json:
        """The root of the thread that `thread_ts` is in; SlackError thread_not_found."""
        found = channel.messages.get(thread_ts)
        if found is None:
            raise SlackError("thread_not_found")
        root = found.get("thread_ts", thread_ts)
        return channel.messages.get(root, found)

    def _count_replies(self, channel: Channel, parent: Json) -> None:
        replies = channel.thread(parent["ts"])[1:]
        if not replies:
            for key in ("reply_count", "reply_users", "reply_users_count", "latest_reply", "thread_ts"):
                parent.pop(key, None)
            return
        authors = sorted({reply["user"] for reply in replies})
        parent |= {"thread_ts": parent["ts"], "reply_count": len(replies), "reply_users": authors}
        parent |= {"reply_users_count": len(authors), "latest_reply": replies[-1]["ts"]}

    def whisper(self, channel: Channel, author: str, reader: str, content: Json, thread_ts: str | None = None) -> Json:
        """A message only `reader` sees, and which nobody can edit through the Web API."""
        message: Json = {"type": "message", "ts": self.next_ts(), "user": author, "is_ephemeral": True}
        message |= {"reader": reader, "channel": channel.id, **content}
        if thread_ts:
            message["thread_ts"] = thread_ts
        channel.ephemerals.append(message)
        self.touch()
        return message

    def edit(self, message: Json, content: Json) -> None:
        """Replace parts of a message in place; as in Slack, text without blocks takes the old blocks' place,
        and only a message of text alone shows that it was edited."""
        if "blocks" not in content:
            message.pop("blocks", None)
            message["edited"] = {"user": message["user"], "ts": self.next_ts()}
        message |= content
        self.touch()

    def remove(self, channel: Channel, ts: str) -> None:
        """Delete a message; one with replies leaves Slack's tombstone, so that its thread stays readable."""
        message = self.message(channel, ts)
        if message.get("reply_count"):
            for key in ("blocks", "attachments", "metadata"):
                message.pop(key, None)
            message |= {"subtype": "tombstone", "text": "This message was deleted.", "hidden": True}
        else:
            del channel.messages[ts]
            if "thread_ts" in message:
                self._count_replies(channel, self.parent(channel, message["thread_ts"]))
        self.touch()

    # -- watching ----------------------------------------------------------------------------------------

    def touch(self) -> None:
        """Say that something changed."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Send those who are watching home, as the server is about to stop."""
        self.closing = True
        self.touch()

    async def changed_since(self, version: int, timeout: float) -> int:
        """Wait (at most `timeout` seconds) until there is something newer than `version`; returns the version."""
        if self.version <= version:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout)
        return self.version


def random_id(prefix: str, length: int = 9) -> str:
    """An id in Slack's manner: a letter for its kind, then capitals and digits."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
    return prefix + "".join(secrets.choice(alphabet) for _ in range(length))
