"""Submitted forms: create and delete. What is wrong is said in the form, at its field."""

from __future__ import annotations

from bot import messages, views
from bot.house import House
from bot.slack import whisper
from bot.visit import Visit
from provisioner.catalog import StoreType
from provisioner.errors import Refused, StoreNotFound
from provisioner.jobs import Job
from provisioner.stores import parse_name


def create_submitted(house: House, visit: Visit) -> str:
    """Order the store, or say at the name's field why not."""
    visit.store = visit.typed("name")[:100]
    memory = visit.memory
    try:
        kind = house.catalog.get(visit.typed("type"))
        job = order_create(house, visit, parse_name(visit.typed("name")), kind, memory.response_url)
    except Refused as refusal:
        visit.answer_at("name", str(refusal.problem))
        return f"refused: {refusal}"
    visit.accept()
    if memory.response_url:
        whisper(memory.response_url, messages.creating(job, kind.label, house.ledger.addresses.url(job.store)))
    return f"ordered {job.id}"


def order_create(house: House, visit: Visit, name: str, kind: StoreType, response_url: str) -> Job:
    """Order the store, to be told of in the conversation of this visit. Raises Refused."""
    house.remember_aside(visit.key, response_url)
    return house.ledger.order_create(
        name=name,
        type=kind.name,
        admin_path=kind.admin_path,
        owner=visit.user,
        origin=visit.origin,
        delivery_key=visit.key,
        limits=house.limits,
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
