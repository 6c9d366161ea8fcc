"""A client that drives a local Slack as its users do."""

import time
from collections.abc import Callable
from typing import Any, Self, TypeVar

import httpx

from dev import local_http
from dev.slack.delivery import ACK_TIMEOUT_SECONDS, Ack
from dev.slack.workspace import Json

T = TypeVar("T")


class LocalSlackError(Exception):
    """An error of the local Slack.

    `code` is its error code, such as message_not_found or no_such_action."""

    def __init__(self, code: str, detail: str = ""):
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class LocalSlackClient:
    """A client of the local Slack's control API.

    Users are "Dana", "Ada" and "Oli". A channel is "#stores" or, for the direct message with the bot, "@storewright".
    Methods raise LocalSlackError if the local Slack refuses an action."""

    def __init__(self, base_url: str):
        self.workspace_url = base_url.rstrip("/")
        self._http = local_http.client(base_url=self.workspace_url, timeout=ACK_TIMEOUT_SECONDS * 3)

    @property
    def api_url(self) -> str:
        """The bot's SLACK_API_URL."""
        return f"{self.workspace_url}/api/"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _post(self, action: str, **arguments: Any) -> Any:
        return self._result(self._http.post(f"/dev/{action}", json=arguments))

    def _get(self, resource: str, **query: str) -> Any:
        return self._result(self._http.get(f"/dev/{resource}", params=query))

    def _result(self, response: httpx.Response) -> Any:
        answer = response.json()
        if response.status_code != 200:
            raise LocalSlackError(answer["error"], answer.get("detail", ""))
        return answer["result"]

    # -- actions -----------------------------------------------------------------------------------------

    def command(self, user: str, channel: str, text: str) -> Ack:
        """Type a slash command.

        Returns when the bot has acknowledged it, or after 3 s with `error` set."""
        return Ack(**self._post("command", user=user, channel=channel, text=text))

    def ask(self, user: str, channel: str, text: str) -> Json:
        """Type a slash command; returns the message that answers it, which this user alone sees.

        It may come with the acknowledgement or after it. Raises LocalSlackError for a command that fails."""
        before = len(self.ephemerals(user))
        ack = self.command(user, channel, text)
        if not ack.ok:
            raise LocalSlackError(ack.error or "", ack.body)
        return self.wait_for(lambda: self.ephemerals(user)[before:], what=f"an answer to {text}")[0]

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Json:
        """Post an ordinary message."""
        return dict(self._post("say", user=user, channel=channel, text=text, thread_ts=thread_ts))

    def click(
        self, user: str, message: Json | str, action_id: str, value: Any = None, values: Json | None = None
    ) -> Ack:
        """Use an element of a message, modal or App Home.

        `message` is the message or view, or its ts or view id.
        `value` is the option to choose in a menu; buttons take none.
        `values` are the values already entered in the form, as for `submit`."""
        target = message if isinstance(message, str) else message.get("ts") or message["id"]
        return Ack(**self._post("click", user=user, target=target, action_id=action_id, value=value, values=values))

    def shortcut(self, user: str, message: Json | str, callback_id: str) -> Ack:
        """Choose a message shortcut in a message's menu."""
        target = message if isinstance(message, str) else message["ts"]
        return Ack(**self._post("shortcut", user=user, target=target, callback_id=callback_id))

    def submit(self, user: str, view: Json | str, values: Json | None = None) -> dict[str, str] | None:
        """Submit a modal.

        Each key of `values` is a block_id, action_id or label; each value is text or the value of an option.
        Returns None on success, else the errors by block_id ("" for the whole modal)."""
        view_id = view if isinstance(view, str) else view["id"]
        errors: dict[str, str] | None = self._post("submit", user=user, view_id=view_id, values=values or {})
        return errors

    def close(self, user: str) -> None:
        """Close the top modal."""
        self._post("close", user=user)

    def open_home(self, user: str) -> None:
        """Open the App Home.

        The event goes to the bot in the background, so wait for `home(user)`."""
        self._post("open_home", user=user)

    # -- queries -----------------------------------------------------------------------------------------

    def messages(self, channel: str) -> list[Json]:
        """The messages of a channel without thread replies, oldest first."""
        return list(self._get("messages", channel=channel))

    def thread(self, message: Json | str) -> list[Json]:
        """A message and its replies, oldest first."""
        return list(self._get("thread", ts=message if isinstance(message, str) else message["ts"]))

    def ephemerals(self, user: str, channel: str = "") -> list[Json]:
        """The ephemeral messages to this user, oldest first.

        Without a `channel`, those of all channels."""
        return list(self._get("ephemerals", user=user, channel=channel))

    def dms(self, user: str) -> list[Json]:
        """All messages between this user and the bot, including thread replies."""
        return list(self._get("dms", user=user))

    def views(self, user: str) -> list[Json]:
        """The modals that this user has open, the topmost last."""
        return list(self._get("views", user=user))

    def home(self, user: str) -> Json | None:
        """The App Home that the bot published last for this user."""
        home: Json | None = self._get("home", user=user)
        return home

    def deliveries(self) -> list[Json]:
        """All deliveries to the bot.

        Each has kind, name, status, error, elapsed (seconds) and body."""
        return list(self._get("deliveries"))

    def wait_for(self, look: Callable[[], T | None], timeout: float = 60, what: str = "") -> T:
        """Call `look` after every change until its result is true.

        Returns that result.
        Raises TimeoutError after `timeout` seconds; its message names `what`, the awaited change."""
        deadline = time.monotonic() + timeout
        while True:
            version = self._get("version")
            found = look()
            if found:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"No change within {timeout:g} s: {what or 'no condition named'}")
            self._get("wait", after=str(version), timeout=str(min(left, 0.5)))

    # -- faults ------------------------------------------------------------------------------------------

    def fault(self, kind: str, method: str = "*", **details: Any) -> None:
        """Schedule a fault; the kinds and details are those of `dev.slack.faults.Fault`."""
        self._post("fault", kind=kind, method=method, **details)

    def clear_faults(self) -> None:
        """Remove all scheduled faults."""
        self._post("clear_faults")

    def replay(self, number: int = -1) -> Ack:
        """Send an earlier HTTP delivery again, byte for byte."""
        return Ack(**self._post("replay", number=number))

    def disconnect(self, reason: str = "refresh_requested") -> int:
        """Ask all Socket Mode connections to reconnect; the number of connections."""
        return int(self._post("disconnect", reason=reason))

    def verify_url(self) -> bool:
        """Perform Slack's url_verification handshake with the bot's request URL; True on success."""
        return bool(self._post("verify_url"))

    def connect_bot(self, url: str) -> None:
        """Deliver over HTTP to this request URL from now on."""
        self._post("connect_bot", url=url)

    # -- what administrators of a workspace do -----------------------------------------------------------

    def delete_message(self, channel: str, message: Json) -> None:
        """Delete a message; one with replies leaves a tombstone."""
        self._post("delete_message", channel=channel, ts=message["ts"])

    def set_archived(self, channel: str, archived: bool = True) -> None:
        """Archive a channel, or bring it back."""
        self._post("set_archived", channel=channel, archived=archived)

    def delete_channel(self, channel: str) -> None:
        """Delete a channel with its messages."""
        self._post("delete_channel", channel=channel)

    def deactivate(self, user: str) -> None:
        """Deactivate a person's account."""
        self._post("deactivate", user=user)

    def restore_messages(self, channel: str, messages: list[Json]) -> None:
        """Add messages of an earlier workspace to a channel, oldest first, with their ids and threads."""
        self._post("restore_messages", channel=channel, messages=messages)
