"""The state of the workspace: users, channels and messages."""

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
    """A Web API error: `code` is Slack's error code.

    `extra` holds more keys of the JSON answer."""

    def __init__(self, code: str, *messages: str, status: int = 200, headers: dict[str, str] | None = None):
        super().__init__(code, *messages)
        self.code = code
        self.status = status
        self.headers = headers or {}
        self.extra: Json = {"response_metadata": {"messages": list(messages)}} if messages else {}


@dataclass(frozen=True)
class User:
    """A person or a bot.

    `id` never changes, so that settings such as ADMINS can name it."""

    id: str
    name: str
    real_name: str
    is_admin: bool = False
    is_bot: bool = False
    team_id: str = TEAM_ID
    tz: str = "Etc/UTC"


USERS = (
    User("U0DANA001", "dana", "Dana"),
    User("U0ADA0001", "ada", "Ada", is_admin=True),
    User("U0OLI0001", "oli", "Oli", tz="Asia/Tokyo"),
    User("U0EVE0001", "eve", "Eve", team_id="T0OTHER01"),  # of a shared channel
    User(BOT_USER, "storewright", "Storewright", is_bot=True),
    User(SLACKBOT, "slackbot", "Slackbot", is_bot=True),
)
HUMAN_IDS = tuple(user.id for user in USERS if not user.is_bot and user.team_id == TEAM_ID)


@dataclass
class Channel:
    """A channel or direct message ("im"), with its messages by `ts`."""

    id: str
    name: str
    members: set[str]
    is_im: bool = False
    topic: str = ""
    archived: bool = False
    messages: dict[str, Json] = field(default_factory=dict)
    ephemerals: list[Json] = field(default_factory=list)

    def thread(self, ts: str) -> list[Json]:
        """The message `ts` and its replies, oldest first.

        Empty if there is no such message."""
        return [m for m in self.messages.values() if ts in (m["ts"], m.get("thread_ts"))]


class Workspace:
    """All state. It changes only on the server's event loop; each change increments `version`."""

    def __init__(self) -> None:
        self.users = {user.id: user for user in USERS}
        self.channels: dict[str, Channel] = {}
        self.deactivated: set[str] = set()  # ids of users
        self.version = 0
        self.closing = False
        self._changed = asyncio.Event()
        self._last_ts = 0.0
        humans = set(HUMAN_IDS)
        self._add(Channel("C0STORES1", "stores", humans | {BOT_USER}, topic="Order a store with /store"))
        self._add(Channel("C0FAILURE", "store-failures", humans | {BOT_USER}, topic="Failed jobs and their causes"))
        self._add(Channel("C0RANDOM1", "random", set(humans), topic="The app is not a member of this channel"))

    def _add(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        return channel

    # -- look-ups ----------------------------------------------------------------------------------------

    def user(self, reference: str) -> User:
        """Find a user by id, name or "@name". Raises SlackError user_not_found."""
        key = reference.lstrip("@")
        for user in self.users.values():
            if key == user.id or key.lower() == user.name:
                return user
        raise SlackError("user_not_found")

    def channel(self, reference: str) -> Channel:
        """Find a channel by id, name or "#name". Raises SlackError channel_not_found."""
        key = reference.lstrip("#")
        for channel in self.channels.values():
            if key == channel.id or (key == channel.name and not channel.is_im):
                return channel
        raise SlackError("channel_not_found")

    def channel_id(self, reference: str) -> str:
        """The id of a channel, or `reference` if there is none."""
        try:
            return self.channel(reference).id
        except SlackError:
            return reference

    def dm(self, user_id: str) -> Channel:
        """The direct message of this user with the bot; opened if needed."""
        members = {self.user(user_id).id, BOT_USER}
        for channel in self.channels.values():
            if channel.is_im and channel.members == members:
                return channel
        number = sum(c.is_im for c in self.channels.values()) + 1
        return self._add(Channel(f"D0DIRECT{number}", "directmessage", members, is_im=True))

    def require_active(self, channel: Channel, refusal: str) -> None:
        """Raises SlackError `refusal` for an archived channel, channel_not_found for a deactivated person's."""
        if channel.archived:
            raise SlackError(refusal)
        if channel.is_im and channel.members & self.deactivated:
            raise SlackError("channel_not_found")

    def visible_to(self, user_id: str) -> Iterator[Channel]:
        """The channels in this user's sidebar."""
        return (c for c in self.channels.values() if user_id in c.members)

    def message(self, channel: Channel, ts: str) -> Json:
        """The message `ts` of a channel. Raises SlackError message_not_found."""
        if ts not in channel.messages:
            raise SlackError("message_not_found")
        return channel.messages[ts]

    # -- messages ----------------------------------------------------------------------------------------

    def next_ts(self) -> str:
        """A new message id: increasing seconds with six decimals."""
        self._last_ts = max(time.time(), self._last_ts + 0.000001)
        return f"{self._last_ts:.6f}"

    def post(self, channel: Channel, author: str, content: Json, *, thread_ts: str | None = None) -> Json:
        """Post a message; `content` holds its text, blocks, attachments and metadata."""
        message: Json = {"type": "message", "ts": self.next_ts(), "user": author, "team": TEAM_ID, **content}
        if author == BOT_USER:
            message |= {"bot_id": BOT_ID, "app_id": APP_ID}
        if thread_ts:
            parent = self.parent(channel, thread_ts)
            message["thread_ts"] = parent["ts"]
            channel.messages[message["ts"]] = message
            self._count_replies(channel, parent)
        channel.messages[message["ts"]] = message
        self.mark_changed()
        return message

    def restore(self, channel: Channel, messages: list[Json]) -> None:
        """Add messages of an earlier workspace, oldest first, with their ids and threads."""
        for message in messages:
            if message.get("is_ephemeral"):
                channel.ephemerals.append(message)
            else:
                channel.messages[message["ts"]] = message
        self.mark_changed()

    def parent(self, channel: Channel, thread_ts: str) -> Json:
        """The root message of the thread that contains `thread_ts`. Raises SlackError thread_not_found."""
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

    def post_ephemeral(
        self, channel: Channel, author: str, reader: str, content: Json, thread_ts: str | None = None
    ) -> Json:
        """Post a message for `reader` only; it can't be edited."""
        message: Json = {"type": "message", "ts": self.next_ts(), "user": author, "is_ephemeral": True}
        message |= {"reader": reader, "channel": channel.id, **content}
        if thread_ts:
            message["thread_ts"] = thread_ts
        channel.ephemerals.append(message)
        self.mark_changed()
        return message

    def edit(self, message: Json, content: Json) -> None:
        """Replace parts of a message.

        As in Slack, new text without blocks removes the old blocks and marks the message as edited."""
        if "blocks" not in content:
            message.pop("blocks", None)
            message["edited"] = {"user": message["user"], "ts": self.next_ts()}
        message |= content
        self.mark_changed()

    def remove(self, channel: Channel, ts: str) -> None:
        """Delete a message. A message with replies becomes a tombstone, as in Slack, and keeps its thread."""
        message = self.message(channel, ts)
        if message.get("reply_count"):
            for key in ("blocks", "attachments", "metadata"):
                message.pop(key, None)
            message |= {"subtype": "tombstone", "text": "This message was deleted.", "hidden": True}
        else:
            del channel.messages[ts]
            if "thread_ts" in message:
                self._count_replies(channel, self.parent(channel, message["thread_ts"]))
        self.mark_changed()

    # -- administration ----------------------------------------------------------------------------------

    def set_archived(self, channel: Channel, archived: bool) -> None:
        """Archive a channel, or bring it back."""
        channel.archived = archived
        self.mark_changed()

    def delete_channel(self, channel: Channel) -> None:
        """Delete a channel with its messages."""
        del self.channels[channel.id]
        self.mark_changed()

    def deactivate(self, user: User) -> None:
        """Deactivate a person's account."""
        self.deactivated.add(user.id)
        self.mark_changed()

    # -- changes -----------------------------------------------------------------------------------------

    def mark_changed(self) -> None:
        """Increment `version` and wake all waiting calls of `changed_since`."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Wake all waiting calls of `changed_since`, because the server stops."""
        self.closing = True
        self.mark_changed()

    async def changed_since(self, version: int, timeout: float) -> int:
        """Wait at most `timeout` seconds for a version after `version`.

        Returns the current version."""
        if self.version <= version:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout)
        return self.version


def random_id(prefix: str, length: int = 9) -> str:
    """An id in Slack's format: a prefix, then capitals and digits."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
    return prefix + "".join(secrets.choice(alphabet) for _ in range(length))
