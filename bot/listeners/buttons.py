"""Clicked buttons. Rights are checked at the click, and a button may be older than what it stands for."""

from __future__ import annotations

from dataclasses import replace

from bot import messages, views
from bot.house import House
from bot.visit import Visit
from bot.words import Words
from provisioner import credentials as links
from provisioner.errors import Refused, StoreBusy
from provisioner.stores import Store, StoreStatus

answers = Words("answers")


def create(house: House, visit: Visit) -> str:
    """“Create a store” on App Home."""
    visit.open_form(views.create_form(house.catalog, house.ledger.addresses, visit.memory))
    return "form opened"


def delete(house: House, visit: Visit) -> str:
    """Raises Refused."""
    return ask_to_delete(house, visit, _clicked_store(house, visit))


def ask_to_delete(house: House, visit: Visit, store: Store) -> str:
    """Ask for the store's name first, and say what is lost. Raises Refused."""
    if store.status == StoreStatus.DELETING:
        raise StoreBusy(answers("leaving", store=store))
    visit.open_form(views.delete_form(store, replace(visit.memory, store_id=store.id)))
    return "form opened"


def upgrade(house: House, visit: Visit) -> str:
    """Raises Refused."""
    return order_upgrade(house, visit, _clicked_store(house, visit))


def order_upgrade(house: House, visit: Visit, store: Store) -> str:
    """Bring the store to its chart of today. Raises Refused."""
    kind = house.catalog.get(store.type)
    house.remember_aside(visit.key, visit.response_url)
    job = house.ledger.order_upgrade(
        store_id=store.id, by=visit.user, origin=visit.origin, delivery_key=visit.key, limits=house.limits
    )
    visit.answer(messages.upgrading(store, kind))
    return f"ordered {job.id}"


def retry(house: House, visit: Visit) -> str:
    """Order another attempt. Raises Refused."""
    store = _clicked_store(house, visit)
    house.remember_aside(visit.key, visit.response_url)
    job = house.ledger.order_retry(
        job_id=_value(visit).partition("/")[2],
        by=visit.user,
        origin=store.origin,
        delivery_key=visit.key,
        limits=house.limits,
    )
    visit.accept()
    if visit.response_url:
        visit.answer(messages.ordered(job, again=True))
    return f"ordered {job.id}"


def credentials(house: House, visit: Visit) -> str:
    """Raises Refused."""
    return offer_credentials(house, visit, _clicked_store(house, visit))


def offer_credentials(house: House, visit: Visit, store: Store) -> str:
    """Show the person, and nobody else, a link that works once. A replayed request gets none. Raises Refused."""
    if store.ready_at is None:
        raise Refused(answers("not_ready", store=store))
    if not house.ledger.first_sight(visit.key):
        raise Refused(answers("link_given"))
    link = links.mint(house.ledger, store, visit.user)
    url = f"{house.public_url.rstrip('/')}/s/{link.id}#{link.token}"
    visit.answer(messages.credentials(store, url, link.expires_at))
    return f"link {link.id}"


def opened(house: House, visit: Visit) -> str:
    """A button that is a link: the browser does the rest."""
    visit.accept()
    return "opened"


def outdated(house: House, visit: Visit) -> str:
    """A button that this version does not know. Raises Refused."""
    raise Refused(answers("outdated"))


def _clicked_store(house: House, visit: Visit) -> Store:
    store = house.clicked(visit.user, _value(visit))
    visit.store = store.name
    return store


def _value(visit: Visit) -> str:
    return str(visit.body["actions"][0].get("value", ""))
