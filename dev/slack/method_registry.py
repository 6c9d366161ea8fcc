"""What every Web API method works with: its arguments, the workspace's parts, and the table of methods."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dev.slack.faults import Faults
from dev.slack.trigger_tokens import Handles
from dev.slack.views import Views
from dev.slack.workspace import BOT_USER, Channel, Json, SlackError, Workspace


@dataclass
class Web:
    """What every method works on."""

    workspace: Workspace
    views: Views
    handles: Handles
    faults: Faults
    base_url: str = ""
    socket_url: Callable[[], str] = field(default=lambda: "")


class Args:
    """The arguments of one call, the same whether they came as JSON, as a form or in the query."""

    def __init__(self, raw: Json):
        self._raw = raw

    def text(self, name: str) -> str:
        """ "" where it is missing."""
        value = self._raw.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        """Slack takes true, "true", 1 and "1"."""
        return str(self._raw.get(name, "")).lower() in ("1", "true")

    def has(self, name: str) -> bool:
        """Whether it was given at all."""
        return self._raw.get(name) is not None

    def data(self, name: str, error: str = "invalid_arguments") -> Any:
        """An object or array, decoded where a form carried it as JSON. SlackError `error` where it can't be."""
        value = self._raw.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error, f"[ERROR] must be valid JSON [json-pointer:/{name}]") from None

    def required(self, *names: str) -> None:
        """SlackError invalid_arguments naming what is missing."""
        missing = [name for name in names if not self.has(name) or self._raw[name] == ""]
        if missing:
            raise SlackError("invalid_arguments", *(f"[ERROR] missing required field: {name}" for name in missing))


Method = Callable[[Web, Args], Json]
METHODS: dict[str, Method] = {}


def method(name: str) -> Callable[[Method], Method]:
    """Register the function under its Web API name."""

    def register(function: Method) -> Method:
        METHODS[name] = function
        return function

    return register


def place(web: Web, args: Args) -> Channel:
    """The channel of a call, where the bot may read and write. A person's id stands for the DM with them."""
    name = args.text("channel")
    if re.fullmatch(r"U[A-Z0-9]+", name):
        return web.workspace.dm(name)
    channel = web.workspace.channel(name)
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    return channel
