"""A message for the new owner of a store, or for the former one: it was transferred."""

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
from provisioner.ledger.outbox import OutboxEntry, Receipt


@dataclass(frozen=True)
class TransferSnapshot:
    """The store, who gets the message, and who transferred the store."""

    store: Store
    reader: str
    actor: str


class TransferNotification(Notification[TransferSnapshot, Message]):
    """The kind TRANSFER."""

    def __init__(self, ledger: Ledger, sender: MessageSender, projector: Projector, failure_channel: str) -> None:
        """What can't be sent to the person goes where the store was ordered, or else to the failure channel."""
        self._ledger, self._sender, self._projector = ledger, sender, projector
        self._failure_channel = failure_channel

    def read(self, entry: OutboxEntry) -> TransferSnapshot | None:
        """None if the store is gone, or the reader has no Slack."""
        store_id, reader, actor, _ = entry.subject.split("/")
        store = self._ledger.stores.get(store_id)
        return TransferSnapshot(store, reader, actor) if store and is_person(reader) else None

    def render(self, snapshot: TransferSnapshot) -> Message:
        """Whose store it is now."""
        return messages.transferred(snapshot.store, snapshot.reader, snapshot.actor)

    def deliver(self, entry: OutboxEntry, snapshot: TransferSnapshot, content: Message) -> Receipt:
        """To the person's direct messages."""
        channel = entry.address or self._sender.channel_of(snapshot.reader)
        return self._projector.deliver(entry, channel, content)

    def places(self, entry: OutboxEntry) -> Sequence[str]:
        """The person, where the store was ordered, then the failure channel."""
        snapshot = self.read(entry)
        return (snapshot.reader, *filter(None, [snapshot.store.origin]), self._failure_channel) if snapshot else ()
