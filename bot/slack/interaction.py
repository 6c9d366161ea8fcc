"""Interaction: one request of a person in Slack, parsed from Slack's payload at the edge."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from bot.rendering.form_context import ChannelId, FormContext, Url
from bot.rendering.offers import FORMER_MENU_ACTION
from provisioner.domain.text import shorten

COMMAND, EVENT_CALLBACK, HOME_OPENED = "command", "event_callback", "app_home_opened"
MENTIONED, LINKS_SHARED, SHORTCUT = "app_mention", "link_shared", "message_action"
Text = Annotated[str, Field(max_length=40_000)]  # Slack's longest message
Id = Annotated[str, Field(min_length=1, max_length=200)]
Channel = Annotated[ChannelId, Field(min_length=1)]
PersonId = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{1,50}$")]


class BadInteraction(Exception):
    """A payload that Slack would not send: a field is missing or of the wrong type."""


class UnknownInteraction(Exception):
    """A payload of a kind that this bot does not handle."""


class InteractionKind(StrEnum):
    """As the audit log calls them."""

    COMMAND = "command"
    CLICK = "click"
    SUBMISSION = "submission"
    MENTION = "mention"
    SHORTCUT = "shortcut"
    EVENT = "event"


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """`delivery_key` is the same when Slack delivers the request again.

    `channel` is '' without a conversation (App Home, forms). `handler` selects the code that answers: an action id, a
    callback id or an event type. `raw` is kept in the audit log. `view_id` and `view_hash` name the form that a click
    came from. `message_ts` is the thread's first message, of a mention or of the message with a shortcut."""

    kind: InteractionKind
    user: str
    delivery_key: str
    handler: str
    raw: str
    channel: str = ""
    text: str = ""
    value: str = ""
    trigger_id: str = ""
    response_url: str = ""
    view_id: str = ""
    view_hash: str = ""
    message_ts: str = ""
    form: FormContext = field(default_factory=FormContext)
    fields: Mapping[str, str] = field(default_factory=dict)
    tab: str = ""
    has_home: bool = False

    @property
    def origin(self) -> str:
        """Where the messages of a job ordered now go: this conversation, or the person's direct messages."""
        return self.channel or self.form.channel or self.user


def read_interaction(body: object) -> Interaction:
    """Any payload of Slack's as an Interaction. Raises BadInteraction or UnknownInteraction."""
    if not isinstance(body, dict):
        raise BadInteraction("the payload is not an object")
    kind = _kind_of(body)
    payload = _PAYLOADS.get(kind)
    if not payload:
        raise UnknownInteraction(f"the type {shorten(kind)!r}")
    try:
        return payload.model_validate(body).interaction()
    except ValidationError as error:
        fault = error.errors(include_input=False, include_context=False, include_url=False)[0]
        field_name = ".".join(map(str, fault["loc"]))
        raise BadInteraction(f"{kind} {shorten(field_name)!r}: {fault['msg']}") from None


def _kind_of(body: Mapping[str, Any]) -> str:
    """`command`, or the payload's type; of an event, the event's type if it is a known one."""
    if "command" in body:
        return COMMAND
    kind, event = body.get("type", ""), body.get("event")
    if not isinstance(kind, str):
        raise BadInteraction("the type is not a string")
    if kind == EVENT_CALLBACK and isinstance(event, dict) and isinstance(event.get("type"), str):
        return str(event["type"]) if event["type"] != HOME_OPENED else EVENT_CALLBACK
    return kind


# --- Slack's payloads (docs.slack.dev: slash commands, block_actions, view_submission, app_home_opened) ----------


class _Command(BaseModel):
    command: Id
    text: Text = ""
    user_id: PersonId
    channel_id: Channel
    trigger_id: Id
    response_url: Url = ""

    def interaction(self) -> Interaction:
        return Interaction(
            kind=InteractionKind.COMMAND,
            user=self.user_id,
            channel=self.channel_id,
            delivery_key=self.trigger_id,
            handler=self.command,
            raw=f"{self.command} {self.text}".strip(),
            text=html.unescape(self.text),
            trigger_id=self.trigger_id,
            response_url=self.response_url,
            form=FormContext(self.channel_id, self.response_url),
        )


class _Person(BaseModel):
    id: PersonId


class _Channel(BaseModel):
    id: Channel


class _Chosen(BaseModel):
    value: Text = ""


class _Input(BaseModel):
    """The state of one input of a form."""

    value: Text | None = None
    selected_option: _Chosen | None = None
    selected_user: Text | None = None

    @property
    def text(self) -> str:
        chosen = self.selected_option.value if self.selected_option else ""
        return (self.value or chosen or self.selected_user or "").strip()


class _State(BaseModel):
    values: dict[str, dict[str, _Input]] = Field(default_factory=dict)


class _View(BaseModel):
    """A form, or an App Home."""

    id: Id
    type: Text = ""
    hash: Text = ""
    callback_id: Text = ""
    private_metadata: Text = ""
    state: _State | None = None

    @property
    def fields(self) -> dict[str, str]:
        """The text or the chosen value of each input, by block id; an input's action id is its block's."""
        blocks = self.state.values if self.state else {}
        return {block: inputs[block].text for block, inputs in blocks.items() if block in inputs}


class _Action(_Input):
    action_id: Id


class _Click(BaseModel):
    type: Literal["block_actions"]
    user: _Person
    trigger_id: Id
    actions: Annotated[list[_Action], Field(min_length=1)]
    channel: _Channel | None = None
    view: _View | None = None
    response_url: Url = ""

    def interaction(self) -> Interaction:
        action, channel = self.actions[0], self.channel.id if self.channel else ""
        handler, value = action.action_id, action.text
        if handler == FORMER_MENU_ACTION:
            handler, _, value = value.partition(":")
        opened_in = self.view.private_metadata if self.view else ""
        form = self.view if self.view and self.view.type != "home" else None
        return Interaction(
            kind=InteractionKind.CLICK,
            user=self.user.id,
            channel=channel,
            delivery_key=self.trigger_id,
            handler=handler,
            raw=f"{handler} {value}".strip(),
            value=value,
            trigger_id=self.trigger_id,
            response_url=self.response_url,
            view_id=form.id if form else "",
            view_hash=form.hash if form else "",
            form=FormContext.unpacked(opened_in) if self.view else FormContext(channel, self.response_url),
            fields=self.view.fields if self.view else {},
        )


class _Submission(BaseModel):
    type: Literal["view_submission"]
    user: _Person
    view: _View

    def interaction(self) -> Interaction:
        form = FormContext.unpacked(self.view.private_metadata)
        return Interaction(
            kind=InteractionKind.SUBMISSION,
            user=self.user.id,
            channel=form.channel,
            delivery_key=self.view.id,
            handler=self.view.callback_id,
            raw=json.dumps({"form": self.view.callback_id, "fields": self.view.fields}),
            form=form,
            fields=self.view.fields,
        )


class _Message(BaseModel):
    ts: Id
    thread_ts: Id | None = None


class _Shortcut(BaseModel):
    type: Literal["message_action"]
    callback_id: Id
    trigger_id: Id
    user: _Person
    channel: _Channel
    message: _Message
    response_url: Url = ""

    def interaction(self) -> Interaction:
        return Interaction(
            kind=InteractionKind.SHORTCUT,
            user=self.user.id,
            channel=self.channel.id,
            delivery_key=self.trigger_id,
            handler=self.callback_id,
            raw=f"{self.callback_id} {self.message.ts}",
            trigger_id=self.trigger_id,
            response_url=self.response_url,
            message_ts=self.message.thread_ts or self.message.ts,
            form=FormContext(self.channel.id, self.response_url),
        )


class _MentionDetails(_Message):
    user: PersonId
    channel: Channel
    text: Text = ""


class _Authorization(BaseModel):
    user_id: PersonId


class _Mention(BaseModel):
    event_id: Id
    event: _MentionDetails
    authorizations: Annotated[list[_Authorization], Field(min_length=1)]

    def interaction(self) -> Interaction:
        event = self.event
        words = event.text.partition(f"<@{self.authorizations[0].user_id}")[2].partition(">")[2]
        return Interaction(
            kind=InteractionKind.MENTION,
            user=event.user,
            channel=event.channel,
            delivery_key=self.event_id,
            handler=MENTIONED,
            raw=event.text,
            text=html.unescape(words).strip(),
            message_ts=event.thread_ts or event.ts,
            form=FormContext(event.channel),
        )


class _Link(BaseModel):
    url: Text


class _LinksDetails(BaseModel):
    user: PersonId
    channel: Channel
    message_ts: Id
    links: Annotated[list[_Link], Field(max_length=100)]


class _Links(BaseModel):
    """`text` is the addresses."""

    event_id: Id
    event: _LinksDetails

    def interaction(self) -> Interaction:
        return Interaction(
            kind=InteractionKind.EVENT,
            user=self.event.user,
            channel=self.event.channel,
            delivery_key=self.event_id,
            handler=LINKS_SHARED,
            raw=LINKS_SHARED,
            text=" ".join(html.unescape(link.url) for link in self.event.links),
            message_ts=self.event.message_ts,
        )


class _EventDetails(BaseModel):
    type: Literal["app_home_opened"]
    user: PersonId
    tab: Text = ""
    view: dict[str, Any] | None = None


class _Event(BaseModel):
    type: Literal["event_callback"]
    event_id: Id
    event: _EventDetails

    def interaction(self) -> Interaction:
        return Interaction(
            kind=InteractionKind.EVENT,
            user=self.event.user,
            delivery_key=self.event_id,
            handler=self.event.type,
            raw=self.event.type,
            tab=self.event.tab,
            has_home=bool(self.event.view),
        )


_PAYLOADS: Mapping[str, type[_Command | _Click | _Submission | _Shortcut | _Mention | _Links | _Event]] = {
    COMMAND: _Command,
    "block_actions": _Click,
    "view_submission": _Submission,
    SHORTCUT: _Shortcut,
    MENTIONED: _Mention,
    LINKS_SHARED: _Links,
    EVENT_CALLBACK: _Event,
}
