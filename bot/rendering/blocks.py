"""Message, and helpers for the Block Kit blocks we use."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from slack_sdk.models.blocks import (
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
# Characters that Slack takes (docs.slack.dev, chat.update and the Block Kit reference).
TEXT_LIMIT = 4000
SECTION_LIMIT = 3000
HEADER_LIMIT = 150
CONFIRM_LIMIT = 300
SPOKEN_LIMIT = 75
# Our own limits, so that no message gets too long as a whole.
SECTIONS_LIMIT = 5  # sections of one text
TABLE = "data_table"  # the type of a block that not all workspaces take
LOG_LIMIT = 2500  # characters; the end of a log is enough

shared = TextTemplate("shared")


@dataclass(frozen=True)
class Message:
    """A message to send.

    `text` is for screen readers and notifications. `simple` replaces `blocks` in a workspace that refuses the newer
    kinds. `facts` go into the message's metadata, for programs that follow the channel."""

    text: str
    blocks: list[Json]
    simple: list[Json]
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def has_table(self) -> bool:
        """Whether Slack may refuse it. It says so of what is sent to a response_url, and not of an acknowledgement."""
        return any(block["type"] == TABLE for block in self.blocks)

    @property
    def digest(self) -> str:
        """Equal for messages that look equal."""
        return digest_of([self.text, self.blocks])


def digest_of(content: Any) -> str:
    """The SHA-256 of JSON content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def message(text: str, blocks: Sequence[Block | None], simple: Sequence[Block | None] | None = None) -> Message:
    """A Message of the `blocks` that are not None."""
    shown = as_json(blocks)
    return Message(cut(text, TEXT_LIMIT), shown, shown if simple is None else as_json(simple))


def as_json(blocks: Sequence[Block | None]) -> list[Json]:
    """The blocks as JSON. Raises SlackObjectFormationError for a block that Slack would refuse."""
    return [block.to_dict() for block in blocks if block]


def text_message(text: str) -> Message:
    """A message of text alone."""
    return message(text, sections(text))


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of mrkdwn, without half a link, mention or escaped character at the end."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    for start, end in ("<>", "&;"):
        if head.rfind(start) > head.rfind(end):
            head = head[: head.rfind(start)]
    return head + "…"


def fitting(lines: Sequence[str], limit: int) -> int:
    """How many of the lines, from the first on, have at most `limit` characters with their line breaks."""
    lengths = accumulate(len(line) + 1 for line in lines)
    return sum(length <= limit + 1 for length in lengths)


def sections(text: str) -> list[SectionBlock]:
    """The text in as few sections as possible, split between lines. The end of a very long text is cut off."""
    lines = [cut(line, SECTION_LIMIT) for line in text.split("\n")]
    made: list[str] = []
    while lines and len(made) < SECTIONS_LIMIT:
        count = fitting(lines, SECTION_LIMIT)
        made.append("\n".join(lines[:count]).strip("\n"))
        lines = lines[count:]
    if lines:
        made[-1] = cut(f"{made[-1]}\n…", SECTION_LIMIT)
    return [section(part) for part in made if part]


def section(text: str) -> SectionBlock:
    return SectionBlock(text=MarkdownTextObject(text=cut(text, SECTION_LIMIT)))


def context(text: str) -> ContextBlock:
    return ContextBlock(elements=[MarkdownTextObject(text=cut(text, SECTION_LIMIT))])


def header(text: str) -> HeaderBlock:
    return HeaderBlock(text=shorten(text, HEADER_LIMIT))


def log(text: str) -> RichTextBlock:
    """The end of a log, in a box."""
    part = RichTextElementParts.Text(text=text[-LOG_LIMIT:])
    return RichTextBlock(elements=[RichTextPreformattedElement(elements=[part])])


def button(
    action_id: str,
    label: str,
    name: str,
    value: str,
    *,
    url: str | None = None,
    style: str | None = None,
    confirm: ConfirmObject | None = None,
) -> ButtonElement:
    """A button; screen readers say its label and the `name` of the store."""
    return ButtonElement(
        text=label,
        action_id=action_id,
        value=value or None,
        url=url,
        style=style,
        confirm=confirm,
        accessibility_label=shorten(shared("spoken", label=label, name=name), SPOKEN_LIMIT),
    )
