"""The registry of Web API methods, their arguments and their context."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dev.slack.faults import Faults
from dev.slack.trigger_tokens import TriggerTokens
from dev.slack.views import Views
from dev.slack.workspace import BOT_USER, Channel, Json, SlackError, Workspace


@dataclass
class MethodContext:
    """The parts of the local Slack that a method may use."""

    workspace: Workspace
    views: Views
    trigger_tokens: TriggerTokens
    faults: Faults
    base_url: str = ""
    socket_url: Callable[[], str] = field(default=lambda: "")


class Args:
    """The arguments of a call, from JSON, form or query string."""

    def __init__(self, raw: Json):
        self._raw = raw

    def text(self, name: str) -> str:
        """The argument as text, or "" if it is missing."""
        value = self._raw.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        """The argument as a boolean; Slack accepts true, "true", 1 and "1"."""
        return str(self._raw.get(name, "")).lower() in ("1", "true")

    def has(self, name: str) -> bool:
        """Report whether the argument is present and not null."""
        return self._raw.get(name) is not None

    def data(self, name: str, error: str = "invalid_arguments") -> Any:
        """The argument as an object or array.

        A form carries it as JSON text.
        Raises SlackError with the code `error` if that text is not JSON."""
        value = self._raw.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error, f"[ERROR] must be valid JSON [json-pointer:/{name}]") from None

    def required(self, *names: str) -> None:
        """Check that all these arguments are present.

        Raises SlackError invalid_arguments, which names the missing ones."""
        missing = [name for name in names if not self.has(name) or self._raw[name] == ""]
        if missing:
            raise SlackError("invalid_arguments", *(f"[ERROR] missing required field: {name}" for name in missing))


Method = Callable[[MethodContext, Args], Json]
METHODS: dict[str, Method] = {}


def method(name: str) -> Callable[[Method], Method]:
    """Register a function under its Web API name."""

    def register(function: Method) -> Method:
        METHODS[name] = function
        return function

    return register


def target_channel(context: MethodContext, args: Args) -> Channel:
    """The channel of a call.

    A user id means the direct message with that user.
    Raises SlackError channel_not_found or user_not_found.
    Raises SlackError not_in_channel if the bot is not a member."""
    name = args.text("channel")
    if re.fullmatch(r"U[A-Z0-9]+", name):
        return context.workspace.dm(name)
    channel = context.workspace.channel(name)
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    return channel
