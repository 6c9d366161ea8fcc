"""A post in a store's thread: it sleeps, because no shopper came. It is edited in place once the store is awake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.commands.registry import OFFERS
from bot.notifications.message_sender import MessageSender
from bot.notifications.notification import Notification, Projector
from bot.rendering import messages
from bot.rendering.blocks import Message
from bot.rendering.job_view import JobView, read_job_view
from bot.rendering.templating import is_person
from provisioner.domain.catalog import Catalog
from provisioner.domain.job import JobStatus
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxEntry, OutboxKind, Receipt


@dataclass(frozen=True)
class SleepPost:
    """The job that paused the store, and the thread of the message `ts` in `channel`; no `ts` in direct messages."""

    view: JobView
    channel: str
    ts: str | None


class SleepNotification(Notification[SleepPost, Message]):
    """The kind SLEEP."""

    def __init__(self, ledger: Ledger, catalog: Catalog, sender: MessageSender, projector: Projector) -> None:
        self._ledger, self._catalog, self._sender, self._projector = ledger, catalog, sender, projector

    def read(self, entry: OutboxEntry) -> SleepPost | None:
        """None while the pause is at work, or if it failed; also if the store was woken before anybody saw it."""
        view = read_job_view(self._ledger, self._catalog, entry.subject)
        if not view or view.job.status != JobStatus.SUCCEEDED or not (view.current or entry.address):
            return None
        last = self._ledger.jobs.last_shown(view.store.id)
        root = self._ledger.outbox.get(OutboxKind.SUMMARY, last.id) if last else None
        if root and root.address and root.remote_id:
            return SleepPost(view, root.address, root.remote_id)
        owner = view.store.owner
        return SleepPost(view, self._sender.channel_of(owner), None) if is_person(owner) else None

    def render(self, snapshot: SleepPost) -> Message:
        """That it sleeps, and why, with the button *Wake*; or that it did."""
        return messages.fell_asleep(snapshot.view, OFFERS)

    def deliver(self, entry: OutboxEntry, snapshot: SleepPost, content: Message) -> Receipt:
        """One post."""
        channel = entry.address or snapshot.channel
        return self._projector.deliver(entry, channel, content, thread_ts=snapshot.ts, repost=snapshot.view.current)

    def places(self, entry: OutboxEntry) -> Sequence[str]:
        """Nothing is lost without it: the status says the same."""
        return ()
