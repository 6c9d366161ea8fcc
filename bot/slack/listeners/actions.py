"""Clicked buttons. Rights are checked at the click, and a button may be older than what it stands for."""

from __future__ import annotations

from dataclasses import replace

from bot.dependencies import Dependencies
from bot.rendering import forms, messages
from bot.rendering.templating import TextTemplate
from bot.slack.interaction import Interaction
from provisioner import credential_links as links
from provisioner.domain.errors import Refused, StoreBusy
from provisioner.domain.store import Store, StoreStatus

answers = TextTemplate("answers")


def create(context: Dependencies, request: Interaction) -> str:
    """“Create a store” on App Home."""
    request.open_form(forms.create_form(context.catalog, context.ledger.addresses, request.memory))
    return "form opened"


def delete(context: Dependencies, request: Interaction) -> str:
    """Raises Refused."""
    return ask_to_delete(context, request, _clicked_store(context, request))


def ask_to_delete(context: Dependencies, request: Interaction, store: Store) -> str:
    """Ask for the store's name first, and say what is lost. Raises Refused."""
    if store.status == StoreStatus.DELETING:
        raise StoreBusy(answers("leaving", store=store))
    request.open_form(forms.delete_form(store, replace(request.memory, store_id=store.id)))
    return "form opened"


def upgrade(context: Dependencies, request: Interaction) -> str:
    """Raises Refused."""
    return order_upgrade(context, request, _clicked_store(context, request))


def order_upgrade(context: Dependencies, request: Interaction, store: Store) -> str:
    """Bring the store to its chart of today. Raises Refused."""
    kind = context.catalog.get(store.type)
    context.remember_aside(request.key, request.response_url)
    job = context.ledger.order_upgrade(
        store_id=store.id, by=request.user, origin=request.origin, delivery_key=request.key, limits=context.limits
    )
    request.answer(messages.upgrading(store, kind))
    return f"ordered {job.id}"


def retry(context: Dependencies, request: Interaction) -> str:
    """Order another attempt. Raises Refused."""
    store = _clicked_store(context, request)
    context.remember_aside(request.key, request.response_url)
    job = context.ledger.order_retry(
        job_id=_value(request).partition("/")[2],
        by=request.user,
        origin=store.origin,
        delivery_key=request.key,
        limits=context.limits,
    )
    request.accept()
    if request.response_url:
        request.answer(messages.ordered(job, again=True))
    return f"ordered {job.id}"


def credentials(context: Dependencies, request: Interaction) -> str:
    """Raises Refused."""
    return offer_credentials(context, request, _clicked_store(context, request))


def offer_credentials(context: Dependencies, request: Interaction, store: Store) -> str:
    """Show the person, and nobody else, a link that works once. A replayed request gets none. Raises Refused."""
    if store.ready_at is None:
        raise Refused(answers("not_ready", store=store))
    if not context.ledger.first_sight(request.key):
        raise Refused(answers("link_given"))
    link = links.mint(context.ledger, store, request.user)
    url = f"{context.public_url.rstrip('/')}/s/{link.id}#{link.token}"
    request.answer(messages.credentials(store, url, link.expires_at))
    return f"link {link.id}"


def opened(context: Dependencies, request: Interaction) -> str:
    """A button that is a link: the browser does the rest."""
    request.accept()
    return "opened"


def outdated(context: Dependencies, request: Interaction) -> str:
    """A button that this version does not know. Raises Refused."""
    raise Refused(answers("outdated"))


def _clicked_store(context: Dependencies, request: Interaction) -> Store:
    store = context.clicked(request.user, _value(request))
    request.store = store.name
    return store


def _value(request: Interaction) -> str:
    return str(request.body["actions"][0].get("value", ""))
