"""What every listener may use, and the one place for who may do what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.rendering.templating import TextTemplate
from bot.slack.client import Slack
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import NotAllowed, StoreNotFound
from provisioner.domain.store import Store, StoreStatus
from provisioner.domain.text import nearest, shorten
from provisioner.ledger.ledger import Ledger, Limits

answers = TextTemplate("answers")


@dataclass(frozen=True)
class Dependencies:
    """`remember_aside(delivery_key, response_url)` keeps the way to whisper to the person of an order that is about to
    be made, for the case that its messages can't go where it was typed."""

    ledger: Ledger
    catalog: Catalog
    slack: Slack
    admins: frozenset[str]
    limits: Limits
    public_url: str
    remember_aside: Callable[[str, str], None]

    def require_rights(self, user: str, store: Store) -> None:
        """The owner and administrators may delete, retry and see credentials. Raises NotAllowed."""
        if user != store.owner and user not in self.admins:
            raise NotAllowed(answers("not_yours", store=store))

    def managed(self, user: str, name: str) -> Store:
        """The store called `name`, which `user` may manage. Raises StoreNotFound or NotAllowed."""
        store = self.named(name)
        self.require_rights(user, store)
        return store

    def named(self, name: str) -> Store:
        """The store called `name`. Raises StoreNotFound with the nearest name, or who deleted it."""
        return named(self.ledger, name)

    def clicked(self, user: str, value: str) -> Store:
        """The store a button stands for, which `user` may manage. Raises StoreNotFound or NotAllowed.

        The button's messages are told again where they are out of date."""
        store_id, _, job_id = value.partition("/")
        store = self.ledger.store_by_id(store_id)
        if store and store.status != StoreStatus.DELETED:
            self.require_rights(user, store)
            return store
        if self.ledger.job(job_id):
            self.ledger.announce(f"summary:{job_id}", "summary", job_id)
        raise StoreNotFound(answers("gone", store=store) if store else answers("forgotten"))


def named(ledger: Ledger, name: str) -> Store:
    """The store called `name`. Raises StoreNotFound with the nearest name, or who deleted it."""
    if store := ledger.store(name):
        return store
    if gone := ledger.last_deleted(name):
        raise StoreNotFound(answers("gone", store=gone))
    near = nearest(name, [store.name for store in ledger.stores()])
    raise StoreNotFound(answers("no_such_store", name=shorten(name), near=near))
