"""Offer: a button or menu item that a store's messages show, with the condition for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, ConfirmObject, Option, OverflowMenuElement

from bot.rendering.blocks import button
from bot.rendering.job_view import StoreView

MENU_ACTION = "more"  # the action id of the overflow menu; its options carry their own
MENU_LIMIT = 5  # options that Slack takes in an overflow menu


class Placement(Enum):
    BUTTON = auto()
    MENU = auto()  # the overflow menu, for less common verbs


@dataclass(frozen=True, kw_only=True)
class Offer:
    """`action_id` names the handler of a click; `label` is what people read.

    `when` decides whether it is offered. `url` makes it a link; `confirm` makes Slack ask first. `style` is primary,
    danger or None, and may depend on the store. `in_failure_channel`: a failure's message offers it too. `in_card`: so
    does the card under a link to the store."""

    action_id: str
    label: str
    when: Callable[[StoreView], bool]
    placement: Placement = Placement.BUTTON
    style: Callable[[StoreView], str | None] = lambda _: None
    url: Callable[[StoreView], str] | None = None
    confirm: Callable[[StoreView], ConfirmObject] | None = None
    in_failure_channel: bool = False
    in_card: bool = False


def offers_block(view: StoreView, offers: Sequence[Offer], block_id: str = "actions") -> ActionsBlock | None:
    """The buttons and the overflow menu of a store; None if nothing is offered."""
    offered = [offer for offer in offers if offer.when(view)]
    elements: list[ButtonElement | OverflowMenuElement] = [
        _button(view, offer) for offer in offered if offer.placement is Placement.BUTTON
    ]
    in_menu = [offer for offer in offered if offer.placement is Placement.MENU]
    if in_menu:
        options = [Option(text=offer.label, value=f"{offer.action_id}:{button_value(view)}") for offer in in_menu]
        elements.append(OverflowMenuElement(action_id=MENU_ACTION, options=options))
    return ActionsBlock(elements=elements, block_id=block_id) if elements else None


def button_value(view: StoreView) -> str:
    """The value of a button: the store and the newest job at that time, so that a stale button is recognised."""
    return f"{view.store.id}/{view.last_job.id if view.last_job else ''}"


def _button(view: StoreView, offer: Offer) -> ButtonElement:
    return button(
        offer.action_id,
        offer.label,
        view.store.name,
        button_value(view),
        url=offer.url(view) if offer.url else None,
        style=offer.style(view),
        confirm=offer.confirm(view) if offer.confirm else None,
    )
