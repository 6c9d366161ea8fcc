"""The few Block Kit shapes we use, over slack_sdk's own models; and Message, what is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextPreformattedElement,
    SectionBlock,
)

from bot.rendering.templating import TextTemplate
from provisioner.domain.text import shorten

Json = dict[str, Any]
SECTION_TEXT = 3000  # characters Slack takes in a section
LOG_TEXT = 2500

labels = TextTemplate("buttons")


@dataclass(frozen=True)
class Message:
    """What is sent: `text` is what screen readers and notifications say; `simple` replaces `blocks` where Slack refuses
    the newer kinds; `facts` are the same for programs that follow the channel, in the message's metadata."""

    text: str
    blocks: list[Json]
    simple: list[Json]
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Equal for messages that look equal."""
        return hashlib.sha256(json.dumps([self.text, self.blocks], sort_keys=True).encode()).hexdigest()


def message(text: str, blocks: Sequence[Block | None], simple: Sequence[Block | None] | None = None) -> Message:
    """A Message of those `blocks` that are not None."""
    shown = as_json(blocks)
    return Message(text, shown, shown if simple is None else as_json(simple))


def as_json(blocks: Sequence[Block | None]) -> list[Json]:
    """Raises SlackObjectFormationError for a block that Slack would refuse."""
    return [block.to_dict() for block in blocks if block]


def said(text: str) -> Message:
    """A message of nothing but words."""
    return message(text, [section(text)])


def section(text: str) -> SectionBlock:
    return SectionBlock(text=MarkdownTextObject(text=shorten(text, SECTION_TEXT)))


def context(text: str) -> ContextBlock:
    return ContextBlock(elements=[MarkdownTextObject(text=shorten(text, SECTION_TEXT))])


def header(text: str) -> HeaderBlock:
    return HeaderBlock(text=shorten(text, 150))


def log(text: str) -> RichTextBlock:
    """The end of a log, in a box."""
    part = RichTextElementParts.Text(text=text[-LOG_TEXT:])
    return RichTextBlock(elements=[RichTextPreformattedElement(elements=[part])])


def button(
    action: str,
    name: str,
    value: str,
    *,
    url: str | None = None,
    style: str | None = None,
    confirm: ConfirmObject | None = None,
) -> ButtonElement:
    """A button called as templates/buttons.j2 says; `name` is the store, for screen readers."""
    label = labels(action)
    spoken = shorten(labels("spoken", label=label, name=name), 75)
    return ButtonElement(
        text=label,
        action_id=action,
        value=value or None,
        url=url,
        style=style,
        confirm=confirm,
        accessibility_label=spoken,
    )


def actions(buttons: Sequence[ButtonElement], block_id: str = "actions") -> ActionsBlock | None:
    return ActionsBlock(elements=list(buttons), block_id=block_id) if buttons else None
