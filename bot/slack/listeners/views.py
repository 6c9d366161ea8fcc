"""Forms: create (which asks what the chosen type lets one choose) and delete. What is wrong is said at its field."""

from __future__ import annotations

from collections.abc import Mapping

from bot.dependencies import Dependencies
from bot.rendering import forms, messages
from bot.slack.client import whisper
from bot.slack.interaction import Interaction
from provisioner.domain.catalog import StoreType
from provisioner.domain.errors import BadOption, Refused, StoreNotFound, UnknownStoreType
from provisioner.domain.job import Job
from provisioner.domain.options import choose
from provisioner.domain.store import parse_name


def type_chosen(context: Dependencies, request: Interaction) -> str:
    """Ask for the options of the type that was chosen; what is filled in stays. Raises UnknownStoreType."""
    kind = context.catalog.get(request.typed("type"))
    filled = forms.Filled(request.typed("name"), request.chosen)
    request.update_form(forms.create_form(context.catalog, context.ledger.addresses, request.memory, kind, filled))
    return f"options of {kind.name}"


def create_submitted(context: Dependencies, request: Interaction) -> str:
    """Order the store, or say at its field what is wrong."""
    request.store = request.typed("name")[:100]
    memory = request.memory
    try:
        kind = context.catalog.get(request.typed("type"))
        # A form sent off before it showed the type's own options may hold those of another.
        chosen = {option.id: request.chosen[option.id] for option in kind.options if option.id in request.chosen}
        job = order_create(context, request, parse_name(request.typed("name")), kind, chosen, memory.response_url)
    except Refused as refusal:
        request.answer_at(_field_of(request, refusal), str(refusal.problem))
        return f"refused: {refusal}"
    request.accept()
    if memory.response_url:
        whisper(memory.response_url, messages.creating(job, kind.label, context.ledger.addresses.url(job.store)))
    return f"ordered {job.id}"


def _field_of(request: Interaction, refusal: Refused) -> str:
    if isinstance(refusal, BadOption):
        return request.option_blocks[refusal.option]
    return "type" if isinstance(refusal, UnknownStoreType) else "name"


def order_create(
    context: Dependencies,
    request: Interaction,
    name: str,
    kind: StoreType,
    options: Mapping[str, str],
    response_url: str,
) -> Job:
    """Order the store, to be told of in the conversation of this request. Raises Refused."""
    chosen = choose(kind.options, options)
    context.remember_aside(request.key, response_url)
    return context.ledger.order_create(
        name=name,
        type=kind.name,
        admin_path=kind.admin_path,
        owner=request.user,
        origin=request.origin,
        delivery_key=request.key,
        limits=context.limits,
        options=chosen,
    )


def delete_submitted(context: Dependencies, request: Interaction) -> str:
    """Order the deletion where the store's name was typed. Raises Refused."""
    memory = request.memory
    store = context.ledger.store_by_id(memory.store_id)
    if not store:
        raise StoreNotFound("That store no longer exists.")
    request.store = store.name
    context.require_rights(request.user, store)
    if request.typed("name") != store.name:
        request.answer_at("name", forms.delete_mismatch(store))
        return "refused: wrong name typed"
    context.remember_aside(request.key, memory.response_url)
    job = context.ledger.order_delete(
        store_id=store.id, by=request.user, origin=request.origin, delivery_key=request.key, limits=context.limits
    )
    request.accept()
    if memory.response_url:
        whisper(memory.response_url, messages.ordered(job, again=False))
    return f"ordered {job.id}"
