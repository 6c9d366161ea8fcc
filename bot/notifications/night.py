"""Quiet jobs that failed in one night, after the first: one message in the failure channel, edited as it grows."""

from __future__ import annotations

from collections.abc import Sequence

from bot.notifications.notification import Notification, Projector
from bot.rendering import messages
from bot.rendering.blocks import Message
from provisioner.domain.job import Job
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxEntry, Receipt


class NightNotification(Notification[Sequence[Job], Message]):
    """The kind NIGHT. Where a backup server is away, every store's daily backup fails."""

    def __init__(self, ledger: Ledger, projector: Projector, places: Sequence[str]) -> None:
        """`places` are the failure channel, then people."""
        self._ledger, self._projector, self._places = ledger, projector, places

    def read(self, entry: OutboxEntry) -> Sequence[Job] | None:
        """The jobs that failed after the first of the night, which has a message of its own."""
        return self._ledger.jobs.failed_in_the_night_of(entry.subject)[1:] or None

    def render(self, snapshot: Sequence[Job]) -> Message:
        """Whose jobs failed, and why the last one did."""
        return messages.failed_night(snapshot)

    def deliver(self, entry: OutboxEntry, snapshot: Sequence[Job], content: Message) -> Receipt:
        """To the failure channel, or else to an admin. Its growth is no more urgent than progress."""
        return self._projector.deliver(entry, entry.address or self._places[0], content, urgent=False)

    def places(self, entry: OutboxEntry) -> Sequence[str]:
        """The failure channel, then admins."""
        return self._places
