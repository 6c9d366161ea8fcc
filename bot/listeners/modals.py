"""Forms: create (which asks what the chosen type lets one choose) and delete. What is wrong is said at its field."""

from __future__ import annotations

from collections.abc import Mapping

from bot import messages, views
from bot.house import House
from bot.slack import whisper
from bot.visit import Visit
from provisioner.catalog import StoreType
from provisioner.errors import BadOption, Refused, StoreNotFound, UnknownStoreType
from provisioner.jobs import Job
from provisioner.options import choose
from provisioner.stores import parse_name


def type_chosen(house: House, visit: Visit) -> str:
    """Ask for the options of the type that was chosen; what is filled in stays. Raises UnknownStoreType."""
    kind = house.catalog.get(visit.typed("type"))
    filled = views.Filled(visit.typed("name"), visit.chosen)
    visit.update_form(views.create_form(house.catalog, house.ledger.addresses, visit.memory, kind, filled))
    return f"options of {kind.name}"


def create_submitted(house: House, visit: Visit) -> str:
    """Order the store, or say at its field what is wrong."""
    visit.store = visit.typed("name")[:100]
    memory = visit.memory
    try:
        kind = house.catalog.get(visit.typed("type"))
        # A form sent off before it showed the type's own options may hold those of another.
        chosen = {option.id: visit.chosen[option.id] for option in kind.options if option.id in visit.chosen}
        job = order_create(house, visit, parse_name(visit.typed("name")), kind, chosen, memory.response_url)
    except Refused as refusal:
        visit.answer_at(_field_of(visit, refusal), str(refusal.problem))
        return f"refused: {refusal}"
    visit.accept()
    if memory.response_url:
        whisper(memory.response_url, messages.creating(job, kind.label, house.ledger.addresses.url(job.store)))
    return f"ordered {job.id}"


def _field_of(visit: Visit, refusal: Refused) -> str:
    if isinstance(refusal, BadOption):
        return visit.option_blocks[refusal.option]
    return "type" if isinstance(refusal, UnknownStoreType) else "name"


def order_create(
    house: House, visit: Visit, name: str, kind: StoreType, options: Mapping[str, str], response_url: str
) -> Job:
    """Order the store, to be told of in the conversation of this visit. Raises Refused."""
    chosen = choose(kind.options, options)
    house.remember_aside(visit.key, response_url)
    return house.ledger.order_create(
        name=name,
        type=kind.name,
        admin_path=kind.admin_path,
        owner=visit.user,
        origin=visit.origin,
        delivery_key=visit.key,
        limits=house.limits,
        options=chosen,
    )


def delete_submitted(house: House, visit: Visit) -> str:
    """Order the deletion where the store's name was typed. Raises Refused."""
    memory = visit.memory
    store = house.ledger.store_by_id(memory.store_id)
    if not store:
        raise StoreNotFound("That store no longer exists.")
    visit.store = store.name
    house.require_rights(visit.user, store)
    if visit.typed("name") != store.name:
        visit.answer_at("name", views.delete_mismatch(store))
        return "refused: wrong name typed"
    house.remember_aside(visit.key, memory.response_url)
    job = house.ledger.order_delete(
        store_id=store.id, by=visit.user, origin=visit.origin, delivery_key=visit.key, limits=house.limits
    )
    visit.accept()
    if memory.response_url:
        whisper(memory.response_url, messages.ordered(job, again=False))
    return f"ordered {job.id}"
