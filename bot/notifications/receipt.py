"""The owner's receipt: somebody opened the link to a store's credentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.notifications.message_sender import MessageSender
from bot.notifications.notification import Notification, Projector
from bot.rendering import messages
from bot.rendering.blocks import Message
from bot.rendering.templating import is_person
from provisioner.domain.store import Store
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.links import OneTimeLink
from provisioner.ledger.outbox import OutboxEntry, Receipt


@dataclass(frozen=True)
class ReceiptSnapshot:
    """The opened link and its store."""

    store: Store
    link: OneTimeLink


class ReceiptNotification(Notification[ReceiptSnapshot, Message]):
    """The kind NOTICE."""

    def __init__(self, ledger: Ledger, sender: MessageSender, projector: Projector, failure_channel: str) -> None:
        """The receipt of a store that an operator owns goes to the failure channel."""
        self._ledger, self._sender, self._projector = ledger, sender, projector
        self._failure_channel = failure_channel

    def read(self, entry: OutboxEntry) -> ReceiptSnapshot | None:
        """None if the link or its store is gone."""
        link = self._ledger.links.get(entry.subject)
        store = self._ledger.stores.get(link.store_id) if link and link.store_id else None
        return ReceiptSnapshot(store, link) if link and store else None

    def render(self, snapshot: ReceiptSnapshot) -> Message:
        """When the link was opened, who it was made for, and what to do about it."""
        return messages.receipt(snapshot.store, snapshot.link)

    def deliver(self, entry: OutboxEntry, snapshot: ReceiptSnapshot, content: Message) -> Receipt:
        """To the owner's direct messages, or else to the failure channel."""
        channel = entry.address or self._sender.channel_of(self._places_of(snapshot.store)[0])
        return self._projector.deliver(entry, channel, content)

    def places(self, entry: OutboxEntry) -> Sequence[str]:
        """The owner, then the failure channel."""
        snapshot = self.read(entry)
        return self._places_of(snapshot.store) if snapshot else ()

    def _places_of(self, store: Store) -> Sequence[str]:
        return (store.owner, self._failure_channel) if is_person(store.owner) else (self._failure_channel,)
