"""Moved and RefusedMessages: what people read of Slack's refusals."""

from __future__ import annotations

from dataclasses import dataclass

from bot.rendering.templating import is_person
from bot.rendering.texts import refused as texts

STORES_NAMED = 10


@dataclass(frozen=True)
class Moved:
    """A message that is not at `origin`, where it belongs. `refusal` is Slack's error word, '' if it is not known."""

    origin: str
    refusal: str

    @property
    def is_direct(self) -> bool:
        """Whether it belongs in a person's direct messages."""
        return is_person(self.origin)

    @property
    def note(self) -> str:
        """Why it is here, and how to get the next one there."""
        return texts("moved", m=self)

    @property
    def advice(self) -> str:
        """How to get the next message there."""
        return texts("advice", m=self)


@dataclass(frozen=True)
class RefusedMessages:
    """`count` messages that the bot gave up sending, and the names of the stores that some of them are about.

    `reason` is Slack's error word, or the type of an error of ours. `kind` is the kind of refusal in small letters."""

    reason: str
    kind: str
    count: int
    stores: tuple[str, ...]

    @property
    def named(self) -> tuple[str, ...]:
        return self.stores[:STORES_NAMED]
