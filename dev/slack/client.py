"""Acts as a person in a local Slack, from a script or a test: types, clicks, submits, reads and waits."""

import time
from collections.abc import Callable
from typing import Any, Self, TypeVar

import httpx

from dev.slack.delivery import ACK_SECONDS, Ack
from dev.slack.workspace import Json

T = TypeVar("T")


class LocalSlackError(Exception):
    """The local Slack refused: `code` is its error word, such as message_not_found or no_such_action."""

    def __init__(self, code: str, detail: str = ""):
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class LocalSlackClient:
    """A person's hands and eyes: "Dana", "Ada" or "Oli", in "#stores" or, for the DM with the bot, "@storewright"."""

    def __init__(self, base_url: str):
        self.workspace_url = base_url.rstrip("/")
        self._http = httpx.Client(base_url=self.workspace_url, timeout=ACK_SECONDS * 3, trust_env=False)

    @property
    def api_url(self) -> str:
        """What the bot takes as SLACK_API_URL."""
        return f"{self.workspace_url}/api/"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _do(self, action: str, **arguments: Any) -> Any:
        return self._answer(self._http.post(f"/dev/{action}", json=arguments))

    def _see(self, what: str, **query: str) -> Any:
        return self._answer(self._http.get(f"/dev/{what}", params=query))

    def _answer(self, response: httpx.Response) -> Any:
        answer = response.json()
        if response.status_code != 200:
            raise LocalSlackError(answer["error"], answer.get("detail", ""))
        return answer["result"]

    # -- acting ------------------------------------------------------------------------------------------

    def command(self, user: str, channel: str, text: str) -> Ack:
        """Type a slash command; returns once the bot acknowledged, or 3 s later with `error` set."""
        return Ack(**self._do("command", user=user, channel=channel, text=text))

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Json:
        """Send an ordinary message."""
        return dict(self._do("say", user=user, channel=channel, text=text, thread_ts=thread_ts))

    def click(
        self, user: str, message: Json | str, action_id: str, value: Any = None, values: Json | None = None
    ) -> Ack:
        """Use a button (or, with `value`, a menu) of a message, modal or Home; `message` is it or its ts or view id.

        `values` is what else is filled in by then, as for `submit`."""
        where = message if isinstance(message, str) else message.get("ts") or message["id"]
        return Ack(**self._do("click", user=user, where=where, action_id=action_id, value=value, values=values))

    def submit(self, user: str, view: Json | str, values: Json | None = None) -> dict[str, str] | None:
        """Submit a modal. `values`: by block_id, action_id or label, the text or the option's value.

        None where it was taken, else what the person reads, by block_id ("" for the modal as a whole)."""
        view_id = view if isinstance(view, str) else view["id"]
        errors: dict[str, str] | None = self._do("submit", user=user, view_id=view_id, values=values or {})
        return errors

    def close(self, user: str) -> None:
        """Dismiss the modal on top."""
        self._do("close", user=user)

    def open_home(self, user: str) -> None:
        """Look at the App Home; the bot hears of it in the background, so wait for `home(user)`."""
        self._do("open_home", user=user)

    # -- seeing ------------------------------------------------------------------------------------------

    def messages(self, channel: str) -> list[Json]:
        """The channel's own messages, oldest first, without the replies in threads."""
        return list(self._see("messages", channel=channel))

    def thread(self, message: Json | str) -> list[Json]:
        """A message and its replies, oldest first."""
        return list(self._see("thread", ts=message if isinstance(message, str) else message["ts"]))

    def ephemerals(self, user: str, channel: str = "") -> list[Json]:
        """What only this person sees, oldest first; in every channel where none is named."""
        return list(self._see("ephemerals", user=user, channel=channel))

    def dms(self, user: str) -> list[Json]:
        """Every message of the direct message between this person and the bot, replies too."""
        return list(self._see("dms", user=user))

    def views(self, user: str) -> list[Json]:
        """The modals this person has open, the topmost last."""
        return list(self._see("views", user=user))

    def home(self, user: str) -> Json | None:
        """The App Home last published for this person."""
        home: Json | None = self._see("home", user=user)
        return home

    def deliveries(self) -> list[Json]:
        """Everything sent to the bot: kind, name, status, error, elapsed (seconds), body."""
        return list(self._see("deliveries"))

    def wait_for(self, look: Callable[[], T | None], timeout: float = 10, what: str = "") -> T:
        """Look again after every change in the workspace until there is something; return that.

        TimeoutError after `timeout` seconds, naming `what` was awaited."""
        deadline = time.monotonic() + timeout
        while True:
            version = self._see("version")
            found = look()
            if found:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"Nothing came in {timeout:g} s: {what or 'the awaited change in the local Slack'}")
            self._see("wait", after=str(version), timeout=str(min(left, 0.5)))

    # -- ordering troubles -------------------------------------------------------------------------------

    def fault(self, kind: str, method: str = "*", **details: Any) -> None:
        """Order a trouble; the kinds and details are those of `dev.slack.faults.Fault`."""
        self._do("fault", kind=kind, method=method, **details)

    def clear_faults(self) -> None:
        """Forget all ordered troubles."""
        self._do("clear_faults")

    def replay(self, number: int = -1) -> Ack:
        """Send an earlier HTTP delivery again, byte for byte."""
        return Ack(**self._do("replay", number=number))

    def disconnect(self, reason: str = "refresh_requested") -> int:
        """Ask all Socket Mode connections to come again; returns how many there were."""
        return int(self._do("disconnect", reason=reason))

    def verify_url(self) -> bool:
        """Slack's url_verification handshake with the bot's request URL."""
        return bool(self._do("verify_url"))

    def connect_bot(self, url: str) -> None:
        """Deliver over HTTP to this request URL from now on."""
        self._do("connect_bot", url=url)
