"""/store …: each command's instant answer. Nothing here waits for a cluster."""

from __future__ import annotations

import html

from bot import grammar, messages, views
from bot.context import BotContext
from bot.listeners.buttons import ask_to_delete, offer_credentials, order_upgrade
from bot.listeners.modals import order_create
from bot.slack_request import SlackRequest
from bot.story import read_story


def store(context: BotContext, request: SlackRequest) -> str:
    """Understand the words and do what they say. Raises Refused."""
    text = html.unescape(request.body.get("text", ""))
    match grammar.parse(text, context.catalog.types):
        case grammar.CreateForm():
            request.open_form(views.create_form(context.catalog, context.ledger.addresses, request.memory))
            return "form opened"
        case grammar.Create() as wanted:
            return _create(context, request, wanted)
        case grammar.ListStores():
            return _list(context, request)
        case grammar.Status(name):
            return _status(context, request, name)
        case grammar.Upgrade(name):
            request.store = name
            return order_upgrade(context, request, context.managed(request.user, name))
        case grammar.Delete(name):
            request.store = name
            return ask_to_delete(context, request, context.managed(request.user, name))
        case grammar.Credentials(name):
            request.store = name
            return offer_credentials(context, request, context.managed(request.user, name))
        case _:
            request.answer(messages.help_text(context.catalog))
            return "helped"


def _create(context: BotContext, request: SlackRequest, wanted: grammar.Create) -> str:
    request.store = wanted.name
    kind = context.catalog.get(wanted.type) if wanted.type else context.catalog.default
    job = order_create(context, request, wanted.name, kind, wanted.options, request.response_url)
    request.answer(messages.creating(job, kind.label, context.ledger.addresses.url(wanted.name)))
    return f"ordered {job.id}"


def _list(context: BotContext, request: SlackRequest) -> str:
    stores = context.ledger.stores()
    mine = [store for store in stores if store.owner == request.user]
    request.answer(messages.store_list(mine, [store for store in stores if store.owner != request.user]))
    return f"listed {len(stores)}"


def _status(context: BotContext, request: SlackRequest, name: str) -> str:
    request.store = name
    found = context.named(name)
    job = context.ledger.last_job(found.id)
    story = read_story(context.ledger, context.catalog, job.id) if job else None
    request.answer(messages.summary(story) if story else messages.store_alone(found, context.catalog))
    return f"shown as {found.status}"
