"""/store …: each command's instant answer. Nothing here waits for a cluster."""

from __future__ import annotations

import html

from bot import grammar, messages, views
from bot.house import House
from bot.listeners.buttons import ask_to_delete, offer_credentials, order_upgrade
from bot.listeners.modals import order_create
from bot.story import read_story
from bot.visit import Visit


def store(house: House, visit: Visit) -> str:
    """Understand the words and do what they say. Raises Refused."""
    text = html.unescape(visit.body.get("text", ""))
    match grammar.parse(text, house.catalog.types):
        case grammar.CreateForm():
            visit.open_form(views.create_form(house.catalog, house.ledger.addresses, visit.memory))
            return "form opened"
        case grammar.Create() as wanted:
            return _create(house, visit, wanted)
        case grammar.ListStores():
            return _list(house, visit)
        case grammar.Status(name):
            return _status(house, visit, name)
        case grammar.Upgrade(name):
            visit.store = name
            return order_upgrade(house, visit, house.managed(visit.user, name))
        case grammar.Delete(name):
            visit.store = name
            return ask_to_delete(house, visit, house.managed(visit.user, name))
        case grammar.Credentials(name):
            visit.store = name
            return offer_credentials(house, visit, house.managed(visit.user, name))
        case _:
            visit.answer(messages.help_text(house.catalog))
            return "helped"


def _create(house: House, visit: Visit, wanted: grammar.Create) -> str:
    visit.store = wanted.name
    kind = house.catalog.get(wanted.type) if wanted.type else house.catalog.default
    job = order_create(house, visit, wanted.name, kind, wanted.options, visit.response_url)
    visit.answer(messages.creating(job, kind.label, house.ledger.addresses.url(wanted.name)))
    return f"ordered {job.id}"


def _list(house: House, visit: Visit) -> str:
    stores = house.ledger.stores()
    mine = [store for store in stores if store.owner == visit.user]
    visit.answer(messages.store_list(mine, [store for store in stores if store.owner != visit.user]))
    return f"listed {len(stores)}"


def _status(house: House, visit: Visit, name: str) -> str:
    visit.store = name
    found = house.named(name)
    job = house.ledger.last_job(found.id)
    story = read_story(house.ledger, house.catalog, job.id) if job else None
    visit.answer(messages.summary(story) if story else messages.store_alone(found, house.catalog))
    return f"shown as {found.status}"
