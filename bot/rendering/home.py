"""App Home as a Slack view. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, Block

from bot.rendering import messages
from bot.rendering.blocks import Json, as_json, button, context, header, section
from bot.rendering.job_view import StoreView
from bot.rendering.offers import Offer
from bot.rendering.templating import TextTemplate

texts = TextTemplate("home")

STORE_LIMIT = 20  # each has at most 4 blocks, and Slack takes 100
CREATE_ACTION = "create"


def home(stores: Sequence[StoreView], total: int, used: int, limit: int, offers: Sequence[Offer]) -> Json:
    """A person's stores: at most STORE_LIMIT of their `total`, and how many of their `limit` are used."""
    create = button(CREATE_ACTION, texts("create"), "", "", style="primary")
    body: list[Block | None] = [
        header(texts("title")),
        context(texts("quota", used=used, most=limit)),
        ActionsBlock(elements=[create], block_id=CREATE_ACTION),
    ]
    if not stores:
        body.append(section(texts("empty")))
    for view in stores:
        body += messages.store_card(view, offers)
    if total > len(stores):
        body.append(context(texts("more", count=total - len(stores))))
    return {"type": "home", "blocks": as_json(body)}
