"""Request and Response: what a person asks of a command, and what they get. Free of Slack's payload formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from slack_sdk.models.views import View

from bot.rendering.blocks import Message
from bot.rendering.form_context import FormContext
from provisioner.domain.job import Job
from provisioner.domain.policy import Actor
from provisioner.orders import OrderContext


@dataclass(frozen=True, kw_only=True)
class Request:
    """One typed command, click or submitted form.

    `origin` is the conversation, or the person if there is none; messages of an ordered job go there. `value` is
    the value of the clicked button or menu item. `form` is the context of the form it came from, or of a form opened
    now; `fields` are the form's values by block id."""

    actor: Actor
    origin: str
    delivery_key: str
    form: FormContext
    value: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def order(self) -> OrderContext:
        """For an order that this request makes."""
        return OrderContext(self.actor, self.origin, self.delivery_key)

    def order_at(self, origin: str) -> OrderContext:
        """For an order whose messages go elsewhere."""
        return OrderContext(self.actor, origin, self.delivery_key)


@dataclass(frozen=True, kw_only=True)
class Response:
    """What the person sees: a message for them alone, a form, errors at a form's fields, or nothing more.

    `form_later` makes the form that takes the place of `form`, or raises StorewrightError: it may take seconds.
    `later` makes a message that may take longer than Slack waits, or raises StorewrightError; `message` is shown first
    if it takes seconds.
    `store` (a name), `job` and `reason` are for the audit log; what is not `audited` asks for nothing yet."""

    message: Message | None = None
    later: Callable[[], Message] | None = None
    form: View | None = None
    form_later: Callable[[], View] | None = None
    form_update: View | None = None
    field_errors: Mapping[str, str] = field(default_factory=dict)
    store: str = ""
    job: Job | None = None
    reason: str = ""
    audited: bool = True
