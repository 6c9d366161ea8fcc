"""Dependencies: everything a command may use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol

from bot.rendering.offers import Offer
from provisioner.capacity import Capacity
from provisioner.domain.catalog import Catalog, StoreType
from provisioner.domain.expiry import names_day
from provisioner.domain.policy import Actor
from provisioner.domain.revision import Revision
from provisioner.domain.store import Store
from provisioner.ledger.ledger import Ledger
from provisioner.logs import StoreLog
from provisioner.orders import Orders
from provisioner.store_usage import StoreUsage


class People(Protocol):
    """What Slack says about a person, by id. It takes up to a second."""

    def require_colleague(self, person: str) -> None:
        """Raises Refused for somebody who can't own a store."""

    def time_zone(self, person: str) -> tzinfo | None:
        """None where Slack does not say."""


@dataclass(frozen=True)
class Dependencies:
    """`public_url` is the address of the credential page for browsers; `offers` are the buttons and menu items of a
    store's messages. `read_log(store, component)` and `read_revisions(store)` read the cluster, which takes time;
    `read_usage(store)` a second at most. `capacity_for(store_type)` is what is known of the cluster's room for one more
    store."""

    orders: Orders
    public_url: str
    offers: tuple[Offer, ...]
    read_log: Callable[[Store, str], StoreLog]
    read_usage: Callable[[Store], StoreUsage | None]
    read_revisions: Callable[[Store], list[Revision]]
    capacity_for: Callable[[StoreType], Capacity | None]
    people: People

    def time_zone(self, person: str, text: str) -> tzinfo | None:
        """The person's time zone if `text` means another time in each; None for that of the installation."""
        return self.people.time_zone(person) if names_day(text) else None

    @property
    def ledger(self) -> Ledger:
        return self.orders.ledger

    @property
    def catalog(self) -> Catalog:
        return self.orders.catalog

    def actor(self, person: str) -> Actor:
        """The person with this Slack id."""
        return self.orders.actor(person)
