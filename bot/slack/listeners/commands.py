"""/store …: each command's instant answer. Nothing here waits for a cluster."""

from __future__ import annotations

import html

from bot.commands import parser
from bot.dependencies import Dependencies
from bot.rendering import forms, messages
from bot.rendering.job_view import read_job_view
from bot.slack.interaction import Interaction
from bot.slack.listeners.actions import ask_to_delete, offer_credentials, order_upgrade
from bot.slack.listeners.views import order_create


def store(context: Dependencies, request: Interaction) -> str:
    """Understand the words and do what they say. Raises Refused."""
    text = html.unescape(request.body.get("text", ""))
    match parser.parse(text, context.catalog.types):
        case parser.CreateForm():
            request.open_form(forms.create_form(context.catalog, context.ledger.addresses, request.memory))
            return "form opened"
        case parser.Create() as wanted:
            return _create(context, request, wanted)
        case parser.ListStores():
            return _list(context, request)
        case parser.Status(name):
            return _status(context, request, name)
        case parser.Upgrade(name):
            request.store = name
            return order_upgrade(context, request, context.managed(request.user, name))
        case parser.Delete(name):
            request.store = name
            return ask_to_delete(context, request, context.managed(request.user, name))
        case parser.Credentials(name):
            request.store = name
            return offer_credentials(context, request, context.managed(request.user, name))
        case _:
            request.answer(messages.help_text(context.catalog))
            return "helped"


def _create(context: Dependencies, request: Interaction, wanted: parser.Create) -> str:
    request.store = wanted.name
    kind = context.catalog.get(wanted.type) if wanted.type else context.catalog.default
    job = order_create(context, request, wanted.name, kind, wanted.options, request.response_url)
    request.answer(messages.creating(job, kind.label, context.ledger.addresses.url(wanted.name)))
    return f"ordered {job.id}"


def _list(context: Dependencies, request: Interaction) -> str:
    stores = context.ledger.stores()
    mine = [store for store in stores if store.owner == request.user]
    request.answer(messages.store_list(mine, [store for store in stores if store.owner != request.user]))
    return f"listed {len(stores)}"


def _status(context: Dependencies, request: Interaction, name: str) -> str:
    request.store = name
    found = context.named(name)
    job = context.ledger.last_job(found.id)
    story = read_job_view(context.ledger, context.catalog, job.id) if job else None
    request.answer(messages.summary(story) if story else messages.store_alone(found, context.catalog))
    return f"shown as {found.status}"
