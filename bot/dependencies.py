"""Dependencies: everything a command may use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.rendering.offers import Offer
from provisioner.domain.catalog import Catalog
from provisioner.domain.policy import Actor
from provisioner.domain.store import Store
from provisioner.ledger.ledger import Ledger
from provisioner.logs import StoreLog
from provisioner.orders import Orders


@dataclass(frozen=True)
class Dependencies:
    """`public_url` is the address of the credential page for browsers; `offers` are the buttons and menu items of a
    store's messages. `read_log(store, component)` reads the cluster, which takes time. `require_colleague(person)` asks
    Slack, and raises Refused for somebody who can't own a store."""

    orders: Orders
    public_url: str
    offers: tuple[Offer, ...]
    read_log: Callable[[Store, str], StoreLog]
    require_colleague: Callable[[str], None]

    @property
    def ledger(self) -> Ledger:
        return self.orders.ledger

    @property
    def catalog(self) -> Catalog:
        return self.orders.catalog

    def actor(self, person: str) -> Actor:
        """The person with this Slack id."""
        return self.orders.actor(person)
