"""Posts in a job's thread: what happened since the last post, in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.notifications.message_sender import MessageSender
from bot.notifications.notification import Notification
from bot.rendering import messages
from bot.rendering.blocks import Message
from bot.rendering.job_view import JobView, read_job_view
from bot.slack.rate_limiter import NotYet
from provisioner.domain.catalog import Catalog
from provisioner.domain.job import JobEvent
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxEntry, OutboxKind, Receipt


@dataclass(frozen=True)
class StagesSnapshot:
    """The thread of the root message `ts` in `channel`, and the events that it does not show yet."""

    view: JobView
    channel: str
    ts: str
    events: Sequence[JobEvent]
    last_event: int


class StagesNotification(Notification[StagesSnapshot, Message | None]):
    """The kind STAGES. If `tried_event` is ahead of `sent_event`, the outcome of an attempt is unknown and the thread
    is read first."""

    def __init__(self, ledger: Ledger, catalog: Catalog, sender: MessageSender, gather_seconds: float) -> None:
        """A post waits `gather_seconds` for more events, unless the job ended."""
        self._ledger, self._catalog, self._sender = ledger, catalog, sender
        self._gather_seconds = gather_seconds

    def read(self, entry: OutboxEntry) -> StagesSnapshot | None:
        """None if there is no thread and there will be none. Raises NotYet."""
        view = read_job_view(self._ledger, self._catalog, entry.subject)
        root = self._ledger.outbox.get(OutboxKind.SUMMARY, entry.subject)
        if not view:
            return None
        if not root or not root.address or not root.remote_id:
            if root and (root.sent_revision == root.revision or root.dead_at):
                return None
            raise NotYet(self._gather_seconds)
        self._gather(entry, view)
        sent = entry.sent_event
        if entry.tried_event > sent:
            sent = max(sent, self._sender.last_event_posted(root.address, root.remote_id, entry.key))
        events = [event for event in view.events if event.id > sent]
        return StagesSnapshot(view, root.address, root.remote_id, events, events[-1].id if events else sent)

    def render(self, snapshot: StagesSnapshot) -> Message | None:
        """None if no event is for the thread."""
        return messages.stages(snapshot.view, snapshot.events)

    def deliver(self, entry: OutboxEntry, snapshot: StagesSnapshot, content: Message | None) -> Receipt:
        """One post."""
        if content:
            self._sender.may_post(snapshot.channel, in_thread=True)
            self._ledger.outbox.note_attempt(entry, snapshot.channel, tried_event=snapshot.last_event)
            payload = {"key": entry.key, "last_event": snapshot.last_event}
            self._sender.post(snapshot.channel, content, payload, snapshot.ts)
        return Receipt(snapshot.channel, sent_event=snapshot.last_event)

    def _gather(self, entry: OutboxEntry, view: JobView) -> None:
        waited = self._ledger.clock() - entry.due_at
        if view.job.live and entry.attempts == 0 and waited < self._gather_seconds:
            raise NotYet(self._gather_seconds - waited)
