"""The owner's receipt: somebody opened the link to a store's credentials."""

from __future__ import annotations

from collections.abc import Sequence

from bot.notifications.message_sender import MessageSender
from bot.notifications.notification import Notification, Projector
from bot.rendering import messages
from bot.rendering.blocks import Message
from bot.rendering.opened_link import OpenedLink
from bot.rendering.templating import is_person
from provisioner.disowned_links import reset_after
from provisioner.domain.store import Store
from provisioner.ledger.links import Purpose
from provisioner.ledger.outbox import OutboxEntry, Receipt
from provisioner.orders import Orders


class ReceiptNotification(Notification[OpenedLink, Message]):
    """The kind RECEIPT."""

    def __init__(self, orders: Orders, sender: MessageSender, projector: Projector, failure_channel: str) -> None:
        """The receipt of a store that an operator owns goes to the failure channel."""
        self._orders, self._sender, self._projector = orders, sender, projector
        self._failure_channel = failure_channel

    def read(self, entry: OutboxEntry) -> OpenedLink | None:
        """None if the link or its store is gone."""
        ledger = self._orders.ledger
        link = ledger.links.get(entry.subject)
        store = ledger.stores.get(link.store_id) if link and link.store_id else None
        if not link or not store:
            return None
        may_reset = link.purpose is Purpose.REVEAL and not store.ending and self._orders.may_reset(store)
        return OpenedLink(store, link, may_reset, reset_after(ledger, link.id))

    def render(self, snapshot: OpenedLink) -> Message:
        """When the link was opened, who it was made for, and what to do about it or what was done."""
        return messages.receipt(snapshot)

    def deliver(self, entry: OutboxEntry, snapshot: OpenedLink, content: Message) -> Receipt:
        """To the owner's direct messages, or else to the failure channel."""
        channel = entry.address or self._sender.channel_of(self._places_of(snapshot.store)[0])
        return self._projector.deliver(entry, channel, content)

    def places(self, entry: OutboxEntry) -> Sequence[str]:
        """The owner, then the failure channel."""
        snapshot = self.read(entry)
        return self._places_of(snapshot.store) if snapshot else ()

    def _places_of(self, store: Store) -> Sequence[str]:
        return (store.owner, self._failure_channel) if is_person(store.owner) else (self._failure_channel,)
