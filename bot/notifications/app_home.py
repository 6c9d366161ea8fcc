"""A person's App Home, published again whenever it looks different."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.commands.registry import OFFERS
from bot.notifications.message_sender import MessageSender
from bot.notifications.notification import Notification
from bot.rendering.blocks import Json, digest_of
from bot.rendering.home import STORE_LIMIT, home
from bot.rendering.job_view import StoreView, store_view
from provisioner.domain.catalog import Catalog
from provisioner.domain.limits import Limits
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxEntry, Receipt


@dataclass(frozen=True)
class HomeSnapshot:
    """The first stores of a person, their number, and how many count towards the person's limit."""

    stores: Sequence[StoreView]
    total: int
    owned: int


class HomeNotification(Notification[HomeSnapshot, Json]):
    """The kind HOME."""

    def __init__(self, ledger: Ledger, catalog: Catalog, sender: MessageSender, limits: Limits) -> None:
        self._ledger, self._catalog, self._sender, self._limits = ledger, catalog, sender, limits

    def read(self, entry: OutboxEntry) -> HomeSnapshot | None:
        """Three queries, however many stores there are."""
        stores, total = self._ledger.stores.with_last_jobs(entry.subject, limit=STORE_LIMIT)
        times = self._ledger.store_backups.times([store.id for store, _ in stores])
        views = [replace(store_view(self._catalog, store, job), backups=times.get(store.id)) for store, job in stores]
        return HomeSnapshot(views, total, self._ledger.stores.owned(entry.subject))

    def render(self, snapshot: HomeSnapshot) -> Json:
        """The view."""
        limit = self._limits.stores_per_person
        return home(snapshot.stores, snapshot.total, snapshot.owned, limit, OFFERS)

    def deliver(self, entry: OutboxEntry, snapshot: HomeSnapshot, content: Json) -> Receipt:
        """Publish it unless it looks the same."""
        digest = digest_of(content)
        if digest != entry.content_hash:
            self._sender.publish_home(entry.subject, content)
        return Receipt(entry.subject, None, digest)
