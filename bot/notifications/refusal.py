"""A report in the failure channel: messages that the bot gave up sending, for one reason."""

from __future__ import annotations

from collections.abc import Sequence

from bot.notifications.notification import Notification, Projector
from bot.rendering import messages
from bot.rendering.blocks import Message
from bot.rendering.refused import RefusedMessages
from bot.slack.refusals import refusal_of
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxEntry, OutboxKind, Receipt

ABOUT_JOBS = (OutboxKind.SUMMARY, OutboxKind.STAGES, OutboxKind.FAILURE)


class RefusalNotification(Notification[RefusedMessages, Message]):
    """The kind REFUSAL. There is one message for each reason, edited when more messages are given up for it."""

    def __init__(self, ledger: Ledger, projector: Projector, places: Sequence[str]) -> None:
        """`places` are the failure channel, then people."""
        self._ledger, self._projector, self._places = ledger, projector, places

    def read(self, entry: OutboxEntry) -> RefusedMessages | None:
        """None if all of them were sent meanwhile."""
        dead = [found for found in self._ledger.outbox.dead(entry.subject) if found.kind is not OutboxKind.REFUSAL]
        jobs = [self._ledger.jobs.get(found.subject) for found in dead if found.kind in ABOUT_JOBS]
        stores = dict.fromkeys(job.store for job in jobs if job)
        kind = refusal_of(entry.subject).name.lower()
        return RefusedMessages(entry.subject, kind, len(dead), tuple(stores)) if dead else None

    def render(self, snapshot: RefusedMessages) -> Message:
        """Slack's word, what it means, and what to do."""
        return messages.refused_messages(snapshot)

    def deliver(self, entry: OutboxEntry, snapshot: RefusedMessages, content: Message) -> Receipt:
        """To the failure channel, or else to an admin."""
        return self._projector.deliver(entry, entry.address or self._places[0], content)

    def places(self, entry: OutboxEntry) -> Sequence[str]:
        """The failure channel, then admins."""
        return self._places
