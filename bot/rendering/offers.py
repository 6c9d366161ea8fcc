"""Offer: a button or menu item that a store's messages show, with the condition for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, ConfirmObject

from bot.rendering.blocks import button, shared
from bot.rendering.job_view import StoreView

MENU_ACTION = "menu"  # the action id of the button that opens the menu
FORMER_MENU_ACTION = "more"  # that of the overflow menu in messages of a former version; its options carry their own


class Placement(Enum):
    BUTTON = auto()
    MENU = auto()  # the menu behind “More …”, for less common verbs


@dataclass(frozen=True, kw_only=True)
class Offer:
    """`action_id` names the handler of a click; `label` is what people read.

    `when` decides whether it is offered. `description` says in the menu what it does, in a sentence or two. `url` makes
    it a link; `confirm` makes Slack ask first. `style` is primary, danger or None, and may depend on the store.
    `in_failure_channel`: a failure's message offers it too. `in_card`: so does the card under a link to the store."""

    action_id: str
    label: str
    when: Callable[[StoreView], bool]
    placement: Placement = Placement.BUTTON
    description: str = ""
    style: Callable[[StoreView], str | None] = lambda _: None
    url: Callable[[StoreView], str] | None = None
    confirm: Callable[[StoreView], ConfirmObject] | None = None
    in_failure_channel: bool = False
    in_card: bool = False


def offers_block(view: StoreView, offers: Sequence[Offer], block_id: str = "actions") -> ActionsBlock | None:
    """The buttons of a store, the last one for its menu; None if nothing is offered."""
    buttons = [
        offer_button(view, offer) for offer in offers if offer.placement is Placement.BUTTON and offer.when(view)
    ]
    if in_menu(view, offers):
        buttons.append(button(MENU_ACTION, shared("more"), view.store.name, button_value(view)))
    return ActionsBlock(elements=buttons, block_id=block_id) if buttons else None


def in_menu(view: StoreView, offers: Sequence[Offer]) -> list[Offer]:
    """The items of a store's menu as it is now."""
    return _offered(view, offers, Placement.MENU)


def _offered(view: StoreView, offers: Sequence[Offer], placement: Placement) -> list[Offer]:
    return [offer for offer in offers if offer.placement is placement and offer.when(view)]


def button_value(view: StoreView) -> str:
    """The value of a button: the store and the newest job at that time, so that a stale button is recognised."""
    return f"{view.store.id}/{view.last_job.id if view.last_job else ''}"


def offer_button(view: StoreView, offer: Offer) -> ButtonElement:
    """The button for an offer, in a message or in the menu."""
    return button(
        offer.action_id,
        offer.label,
        view.store.name,
        button_value(view),
        url=offer.url(view) if offer.url else None,
        style=offer.style(view),
        confirm=offer.confirm(view) if offer.confirm else None,
    )
