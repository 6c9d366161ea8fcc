"""Notification: how the entries of one kind are read, rendered and delivered; and delivery of a message that is edited
in place."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from bot.notifications.message_sender import MessageSender
from bot.rendering.blocks import Message
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxEntry, OutboxKind, Receipt

Snapshot = TypeVar("Snapshot")
Content = TypeVar("Content")

CLOCK_SKEW_SECONDS = 60.0  # by which Slack's clock may be behind ours


class Notification(Protocol, Generic[Snapshot, Content]):
    """One kind of entry, in three steps."""

    def read(self, entry: OutboxEntry) -> Snapshot | None:
        """What the message shows, as it is now; None if there is nothing to send any more. Raises NotYet."""

    def render(self, snapshot: Snapshot) -> Content:
        """The message. Pure."""

    def deliver(self, entry: OutboxEntry, snapshot: Snapshot, content: Content) -> Receipt:
        """Send it. Raises NotYet, SlackApiError, and UNREACHABLE."""

    def redirect(self, entry: OutboxEntry) -> bool:
        """Send an entry elsewhere from now on, because we may not post there; False if there is no other place.

        Raises SlackApiError."""
        return False


class Projector:
    """Delivers a message that shows a present state: it is posted once, then edited."""

    def __init__(self, ledger: Ledger, sender: MessageSender) -> None:
        self._ledger, self._sender = ledger, sender

    def deliver(self, entry: OutboxEntry, channel: str, message: Message, *, urgent: bool) -> Receipt:
        """Post the message, or edit it if it differs.

        An entry with an address and no message was tried before with an unknown outcome: it is looked for first."""
        ts, known_hash = entry.remote_id, entry.content_hash
        if not ts and entry.address:
            since = entry.created_at - CLOCK_SKEW_SECONDS
            ts, known_hash = self._sender.find(channel, entry.key, since), None
        if not ts:
            self._sender.may_post(channel)
            self._ledger.outbox.note_attempt(entry, channel)
            ts = self._sender.post(channel, message, {"key": entry.key})
        elif known_hash != message.digest:
            self._sender.edit(channel, ts, message, {"key": entry.key}, urgent=urgent)
        return Receipt(channel, ts, message.digest)

    def permalink(self, job_id: str) -> str:
        """The address of a job's root message; '' if it has none."""
        entry = self._ledger.outbox.get(OutboxKind.SUMMARY, job_id)
        if not entry or not entry.remote_id:
            return ""
        return self._sender.permalink(entry.address or "", entry.remote_id)
