"""A failed job's message in the failure channel, edited in place when the failure is solved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.commands.registry import OFFERS
from bot.notifications.notification import Notification, Projector
from bot.rendering import messages
from bot.rendering.blocks import Message
from bot.rendering.job_view import JobView, read_job_view
from provisioner.domain.catalog import Catalog
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxEntry, Receipt


@dataclass(frozen=True)
class FailureSnapshot:
    """`thread_url` is the address of the job's root message, or ''."""

    view: JobView
    thread_url: str


class FailureNotification(Notification[FailureSnapshot, Message]):
    """The kind FAILURE."""

    def __init__(self, ledger: Ledger, catalog: Catalog, projector: Projector, places: Sequence[str]) -> None:
        """`places` are the failure channel, then people."""
        self._ledger, self._catalog, self._projector, self._places = ledger, catalog, projector, places

    def read(self, entry: OutboxEntry) -> FailureSnapshot | None:
        """None if the ledger does not have the job."""
        view = read_job_view(self._ledger, self._catalog, entry.subject)
        return FailureSnapshot(view, self._projector.permalink(view.job.id)) if view else None

    def render(self, snapshot: FailureSnapshot) -> Message:
        """The failure, its cause, the end of the log and a Retry button."""
        return messages.failure(snapshot.view, OFFERS, snapshot.thread_url)

    def deliver(self, entry: OutboxEntry, snapshot: FailureSnapshot, content: Message) -> Receipt:
        """A message stays where it was posted, even if the operator changed the failure channel."""
        stays = entry.address and (entry.remote_id or entry.moved_for)
        channel = entry.address if entry.address and stays else self._places[0]
        return self._projector.deliver(entry, channel, content, repost=snapshot.view.current)

    def places(self, entry: OutboxEntry) -> Sequence[str]:
        """The failure channel, then admins."""
        return self._places
