"""A job's root message: posted where the job was ordered, or in direct messages, and edited in place."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from bot.commands.registry import OFFERS
from bot.notifications.message_sender import MessageSender
from bot.notifications.notification import Notification, Projector
from bot.rendering import messages
from bot.rendering.blocks import Message
from bot.rendering.job_view import JobView, read_job_view
from bot.rendering.refused import Moved
from bot.rendering.templating import is_person
from provisioner.domain.catalog import Catalog
from provisioner.domain.job import Job
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxEntry, Receipt

REMEMBERED_URLS = 1000


@dataclass(frozen=True)
class SummarySnapshot:
    """`moved` says why the message is not where the job was ordered, None if it is there."""

    view: JobView
    moved: Moved | None


class SummaryNotification(Notification[SummarySnapshot, Message]):
    """The kind SUMMARY."""

    def __init__(
        self, ledger: Ledger, catalog: Catalog, sender: MessageSender, projector: Projector, failure_channel: str
    ) -> None:
        """The message goes to the failure channel if the person can't be reached."""
        self._ledger, self._catalog, self._sender, self._projector = ledger, catalog, sender, projector
        self._failure_channel = failure_channel
        self._response_urls: OrderedDict[str, str] = OrderedDict()  # by delivery key, in memory only

    def remember_response_url(self, delivery_key: str, response_url: str) -> None:
        """How to reach the person with this order if its messages have to go elsewhere."""
        if response_url:
            self._response_urls[delivery_key] = response_url
            while len(self._response_urls) > REMEMBERED_URLS:
                self._response_urls.popitem(last=False)

    def read(self, entry: OutboxEntry) -> SummarySnapshot | None:
        """None for a job that was ordered at a terminal: nobody in Slack waits for it."""
        view = read_job_view(self._ledger, self._catalog, entry.subject)
        if not view:
            return None
        origin = view.job.origin
        moved = entry.moved_for or (entry.address and not is_person(origin) and entry.address != origin)
        return SummarySnapshot(view, Moved(origin, entry.moved_for) if moved else None) if origin else None

    def render(self, snapshot: SummarySnapshot) -> Message:
        """The job as it is now."""
        return messages.summary(snapshot.view, OFFERS, moved=snapshot.moved)

    def deliver(self, entry: OutboxEntry, snapshot: SummarySnapshot, content: Message) -> Receipt:
        """A result is urgent, progress is not."""
        job = snapshot.view.job
        channel = entry.address or self._sender.channel_of(job.origin)
        receipt = self._projector.deliver(entry, channel, content, urgent=not job.live, repost=snapshot.view.current)
        if snapshot.moved and entry.remote_id is None and receipt.remote_id:
            permalink = self._sender.permalink(channel, receipt.remote_id)
            self._whisper(job, messages.moved_aside(snapshot.view.store.name, permalink, snapshot.moved))
        return receipt

    def places(self, entry: OutboxEntry) -> Sequence[str]:
        """Where the job was ordered, then the person's direct messages, then the failure channel."""
        job = self._ledger.jobs.get(entry.subject)
        if not job:
            return ()
        person = (job.requested_by,) if is_person(job.requested_by) else ()
        return (job.origin, *person, self._failure_channel)

    def held(self, entry: OutboxEntry, word: str) -> None:
        """Answer the person, once. It needs no token."""
        if view := read_job_view(self._ledger, self._catalog, entry.subject):
            self._whisper(view.job, messages.held_back(view.store.name, word))

    def _whisper(self, job: Job, message: Message) -> None:
        response_url = self._response_urls.pop(job.delivery_key, "")
        if response_url:
            self._sender.whisper(response_url, message)
