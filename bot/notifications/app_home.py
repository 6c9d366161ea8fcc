"""A person's App Home, published again whenever it looks different."""

from __future__ import annotations

from dataclasses import replace

from bot.commands.registry import OFFERS
from bot.notifications.message_sender import MessageSender
from bot.notifications.notification import Notification
from bot.rendering.blocks import Json, digest_of
from bot.rendering.home import HomeView, home
from bot.rendering.job_view import JobView, store_view
from provisioner.ledger.dashboards import JobOfStore
from provisioner.ledger.outbox import OutboxEntry, Receipt
from provisioner.orders import Orders


class HomeNotification(Notification[HomeView, Json]):
    """The kind HOME."""

    def __init__(self, orders: Orders, sender: MessageSender) -> None:
        self._orders, self._sender = orders, sender

    def read(self, entry: OutboxEntry) -> HomeView | None:
        """As many queries for any number of stores, and at the pace of the view: while a job goes on, there is an event
        every second. What the person asked for does not wait for that."""
        self._sender.may_publish(entry.subject, urgent=entry.content_hash is None)
        ledger, catalog, person = self._orders.ledger, self._orders.catalog, entry.subject
        is_admin, choice = self._orders.actor(person).is_admin, ledger.homes.choice(person)
        found = ledger.dashboards.read(person, replace(choice, everyone=choice.everyone and is_admin))
        times = ledger.store_backups.times([store.id for store, _ in found.stores])
        return HomeView(
            choice=found.choice,
            stores=[replace(store_view(catalog, s, job), backups=times.get(s.id)) for s, job in found.stores],
            total=found.total,
            pages=found.pages,
            used=ledger.stores.owned(person),
            limit=self._orders.limits.stores_per_person,
            working=[self._job_view(of) for of in found.running],
            working_total=found.running_total,
            failed=[self._job_view(of) for of in found.failed],
            failed_total=found.failed_total,
            offers_everyone=is_admin,
        )

    def _job_view(self, of: JobOfStore) -> JobView:
        return JobView(of.job, of.events, store_view(self._orders.catalog, of.store, of.job))

    def render(self, snapshot: HomeView) -> Json:
        """The view."""
        return home(snapshot, OFFERS)

    def deliver(self, entry: OutboxEntry, snapshot: HomeView, content: Json) -> Receipt:
        """Publish it unless it looks the same."""
        digest = digest_of(content)
        if digest != entry.content_hash:
            self._sender.publish_home(entry.subject, content)
        return Receipt(entry.subject, None, digest)
