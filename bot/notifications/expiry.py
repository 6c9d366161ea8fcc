"""Notices of a store's end: to its owner, and in its thread. Each is edited in place if the store gets another end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.notifications.message_sender import MessageSender
from bot.notifications.notification import Notification, Projector
from bot.rendering import messages
from bot.rendering.blocks import Message
from bot.rendering.expiry_notice import ExpiryNotice
from bot.rendering.templating import is_person
from provisioner.domain.expiry import FAREWELL
from provisioner.domain.store import Store
from provisioner.ledger.outbox import OutboxEntry, OutboxKind, Receipt
from provisioner.orders import Orders


class ExpiryNotification(Notification[ExpiryNotice, Message]):
    """The kind EXPIRY. Only once it is delivered may the store end."""

    def __init__(self, orders: Orders, sender: MessageSender, projector: Projector, failure_channel: str) -> None:
        """What can't be sent to the owner goes where the store was ordered, or else to the failure channel."""
        self._orders, self._sender, self._projector = orders, sender, projector
        self._failure_channel = failure_channel

    def read(self, entry: OutboxEntry) -> ExpiryNotice | None:
        """None for one that nobody has seen, and nobody needs any more."""
        return _read(self._orders, entry)

    def render(self, snapshot: ExpiryNotice) -> Message:
        """When the store ends, what happens then, and buttons."""
        return messages.expiry_notice(snapshot)

    def deliver(self, entry: OutboxEntry, snapshot: ExpiryNotice, content: Message) -> Receipt:
        """Send it, then record that it was delivered."""
        channel = entry.address or self._sender.channel_of(self._places_of(snapshot.store)[0])
        receipt = self._projector.deliver(entry, channel, content)
        self._orders.ledger.stores.note_noticed(snapshot.store.id, snapshot.end, snapshot.number)
        return receipt

    def places(self, entry: OutboxEntry) -> Sequence[str]:
        """The owner, where the store was ordered, then the failure channel."""
        notice = _read(self._orders, entry)
        return self._places_of(notice.store) if notice else ()

    def _places_of(self, store: Store) -> Sequence[str]:
        people = (store.owner,) if is_person(store.owner) else ()
        return (*people, *filter(None, [store.origin]), self._failure_channel)


@dataclass(frozen=True)
class Post:
    """A notice in the thread of the message `ts` in `channel`."""

    notice: ExpiryNotice
    channel: str
    ts: str


class ExpiryPostNotification(Notification[Post, Message]):
    """The kind EXPIRY_POST. It adds to the owner's notice: nothing waits for it."""

    def __init__(self, orders: Orders, projector: Projector) -> None:
        self._orders, self._projector = orders, projector

    def read(self, entry: OutboxEntry) -> Post | None:
        """None too for a store without a thread, or one in the owner's direct messages, where the notice is already."""
        notice = _read(self._orders, entry)
        last = self._orders.ledger.jobs.last_shown(notice.store.id) if notice else None
        root = self._orders.ledger.outbox.get(OutboxKind.SUMMARY, last.id) if last else None
        if not notice or not root or not root.address or not root.remote_id or is_person(notice.store.origin):
            return None
        return Post(notice, root.address, root.remote_id)

    def render(self, snapshot: Post) -> Message:
        """The same as for the owner."""
        return messages.expiry_notice(snapshot.notice)

    def deliver(self, entry: OutboxEntry, snapshot: Post, content: Message) -> Receipt:
        """One post."""
        return self._projector.deliver(entry, entry.address or snapshot.channel, content, thread_ts=snapshot.ts)


def _read(orders: Orders, entry: OutboxEntry) -> ExpiryNotice | None:
    store_id, end, number = entry.subject.split("/")
    store, now = orders.ledger.stores.get(store_id), orders.ledger.clock()
    current = bool(store and not store.ending and store.expires_at == float(end))
    if not store or not (current or entry.address):
        return None
    expiry = store.expiry
    sleeps_at = expiry.earliest_end(now) if expiry else now
    at = now + orders.expiry.sleep if int(number) >= FAREWELL else sleeps_at
    kept, may_keep = orders.lookup.keeps_until(store) is not None, orders.expiry.longest is None
    return ExpiryNotice(store, int(number), float(end), current, at, at - now, kept=kept, may_keep=may_keep)
