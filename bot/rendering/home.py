"""App Home as a Slack view: a person's stores, what happens to them, and what failed lately. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    MarkdownTextObject,
    Option,
    SectionBlock,
    StaticSelectElement,
)

from bot.rendering import messages
from bot.rendering.blocks import Json, as_json, button, context, cut, header, section
from bot.rendering.job_view import JobView, StoreView, TaskStatus
from bot.rendering.offers import Offer, offer_button
from bot.rendering.texts import home as texts
from provisioner.ledger.dashboards import STORES
from provisioner.ledger.homes import HomeChoice, Shown

CREATE_ACTION = "create"
# Their values are keys of a HomeChoice.
FILTER_ACTION, PREVIOUS_ACTION, NEXT_ACTION = "home_filter", "home_previous", "home_next"
LINE_LIMIT, FAILURE_LIMIT = 400, 700  # characters of a running job and of a failed one


@dataclass(frozen=True)
class HomeView:
    """A page of the stores that `choice` shows, of `total` on `pages` pages; jobs at work; and failed ones.

    Of jobs and failures there may be more than are shown: `working_total` and `failed_total` count all. `used` of the
    person's `limit` stores are used. `offers_everyone`: the person may see everyone's stores."""

    choice: HomeChoice
    stores: Sequence[StoreView]
    total: int
    pages: int
    used: int
    limit: int
    working: Sequence[JobView] = ()
    working_total: int = 0
    failed: Sequence[JobView] = ()
    failed_total: int = 0
    offers_everyone: bool = False


def home(view: HomeView, offers: Sequence[Offer]) -> Json:
    """The whole view, within Slack's 100 blocks."""
    body: list[Block | None] = [
        header(texts("title", choice=view.choice)),
        context(texts("quota", used=view.used, most=view.limit)),
        _actions(view),
        *_working(view),
        *_failed(view, offers),
        *_stores(view, offers),
        *_pages(view),
    ]
    return {"type": "home", "blocks": as_json(body)}


def _actions(view: HomeView) -> Block:
    """*Create*, and the menu of the stores to show. Slack keeps a menu's choice for as long as its block has the id."""
    create = button(CREATE_ACTION, texts("create"), "", "", style="primary")
    everyones = (False, True) if view.offers_everyone else (False,)
    choices = [HomeChoice(everyone, shown) for everyone in everyones for shown in Shown]
    entries = {choice: Option(text=texts("filter", choice=choice), value=choice.key) for choice in choices}
    chosen = replace(view.choice, page=1)
    menu = StaticSelectElement(
        action_id=FILTER_ACTION,
        placeholder=texts("filter_hint"),
        options=list(entries.values()),
        initial_option=entries[chosen],
    )
    return ActionsBlock(elements=[create, menu], block_id=f"home/{chosen.key}")


def _working(view: HomeView) -> list[Block | None]:
    if not view.working:
        return []
    lines = [
        cut(texts("working", v=v, **_progress(v), everyone=view.choice.everyone), LINE_LIMIT) for v in view.working
    ]
    more = view.working_total - len(view.working)
    return [section("\n".join([texts("at_work"), *lines, *([texts("more_at_work", count=more)] if more else [])]))]


def _progress(view: JobView) -> dict[str, object]:
    """The number of the stage that a job is at, 0 before the first one; how many it has; and the stage's title."""
    tasks = view.tasks
    begun = [number for number, task in enumerate(tasks, 1) if task.status is not TaskStatus.PENDING]
    at = begun[-1] if begun else 0
    return {"stage": at, "stages": len(tasks), "title": tasks[at - 1].title if at else ""}


def _failed(view: HomeView, offers: Sequence[Offer]) -> list[Block | None]:
    if not view.failed:
        return []
    more = view.failed_total - len(view.failed)
    return [
        section(texts("failures")),
        *(_failure(failed, offers, everyone=view.choice.everyone) for failed in view.failed),
        context(texts("more_failures", count=more)) if more else None,
    ]


def _failure(view: JobView, offers: Sequence[Offer], *, everyone: bool) -> Block:
    text = cut(texts("failure", v=view, everyone=everyone), FAILURE_LIMIT)
    retry = next((offer for offer in offers if offer.in_failure_channel and offer.when(view.of)), None)
    accessory: ButtonElement | None = offer_button(view.of, retry) if retry else None
    block_id = f"failure-{view.job.id}"
    return SectionBlock(text=MarkdownTextObject(text=text), accessory=accessory, block_id=block_id)


def _stores(view: HomeView, offers: Sequence[Offer]) -> list[Block | None]:
    """The cards. A problem that is among the failures above is not repeated, nor is its button there."""
    if not view.stores:
        return [section(texts("empty") if view.choice == HomeChoice() else texts("nothing", choice=view.choice))]
    shown = {failed.store.id for failed in view.failed}
    others = [offer for offer in offers if not offer.in_failure_channel]
    cards: list[Block | None] = []
    for store in view.stores:
        is_above, with_owner = store.store.id in shown, view.choice.everyone
        offered = others if is_above else offers
        cards += messages.store_card(store, offered, with_problem=not is_above, with_owner=with_owner)
    return cards


def _pages(view: HomeView) -> list[Block | None]:
    if view.pages == 1:
        return []
    page, first = view.choice.page, (view.choice.page - 1) * STORES + 1
    last = first + len(view.stores) - 1
    turned = [(PREVIOUS_ACTION, "previous", page - 1), (NEXT_ACTION, "next", page + 1)]
    buttons = [
        button(action_id, texts(label), texts("page", number=to), replace(view.choice, page=to).key)
        for action_id, label, to in turned
        if 1 <= to <= view.pages
    ]
    where = context(texts("where", first=first, last=last, total=view.total))
    return [where, ActionsBlock(elements=buttons, block_id=f"pages/{view.choice.key}")]
