"""The outbox to Slack: coalesced, rate-limited, never lost, never repeated visibly; the only retry layer."""

from __future__ import annotations

import logging
import random
import threading
from collections import OrderedDict
from collections.abc import Callable

from slack_sdk.errors import SlackApiError

from bot.commands.registry import OFFERS
from bot.notifications.message_sender import THROTTLED, MessageSender
from bot.rendering import messages
from bot.rendering.blocks import Message
from bot.rendering.home import STORE_LIMIT, home
from bot.rendering.job_view import JobView, read_job_view, store_view
from bot.rendering.templating import is_person
from bot.slack.client import NO_ENTRY, UNREACHABLE, Slack, error_word, retry_after, whisper
from bot.slack.rate_limiter import NotYet
from provisioner.domain.catalog import Catalog
from provisioner.domain.limits import Limits
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxEntry, OutboxKind, Receipt
from provisioner.log_context import bound

log = logging.getLogger(__name__)

IDLE = 30.0  # seconds between looks where nothing wakes us
GATHER = 1.0  # seconds for which a thread post waits for more to say
AGAIN = 1.0  # seconds until we look again at what our own pace holds up
CLOCK_SKEW = 60.0  # seconds by which Slack's clock may be behind ours
LONGEST_BACKOFF = 60.0
ASK_A_PERSON = 300.0  # seconds until the next try of what only a person can mend

LOST_MESSAGE = {
    "message_not_found",
    "thread_not_found",
    "cannot_reply_to_message",
    "cant_update_message",
    "user_not_found",
}
NO_RIGHTS = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"}

URGENCY = {
    OutboxKind.SUMMARY: 0,
    OutboxKind.FAILURE: 1,
    OutboxKind.NOTICE: 1,
    OutboxKind.STAGES: 2,
    OutboxKind.HOME: 3,
}


class Notifier:
    """Reads `ledger.outgoing()`, tells it, marks it as told. Wake it on every change of the ledger."""

    def __init__(self, ledger: Ledger, catalog: Catalog, slack: Slack, failure_channel: str, limits: Limits) -> None:
        self._ledger, self._catalog, self._sender = ledger, catalog, MessageSender(slack)
        self._failure_channel, self._limits = failure_channel, limits
        self._asides: OrderedDict[str, str] = OrderedDict()  # delivery key -> response_url, in memory only
        self._news, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._tell: dict[OutboxKind, Callable[[OutboxEntry], None]] = {
            OutboxKind.SUMMARY: self._tell_summary,
            OutboxKind.STAGES: self._tell_stages,
            OutboxKind.FAILURE: self._tell_failure,
            OutboxKind.NOTICE: self._tell_notice,
            OutboxKind.HOME: self._tell_home,
        }

    def start(self) -> None:
        self._ledger.signals.entry_due.connect(self.wake)
        self._thread.start()

    def request_stop(self) -> None:
        """Tell no more than the message under way; the rest is told by the next process. Returns at once."""
        self._stopping.set()
        self._news.set()

    def stop(self) -> None:
        """Let go, and wait for that message."""
        self.request_stop()
        if self._thread.is_alive():
            self._thread.join(timeout=15)

    def wake(self) -> None:
        """There is news. Cheap."""
        self._news.set()

    def remember_response_url(self, delivery_key: str, response_url: str) -> None:
        """How to whisper to the person whose order has this delivery key, should its messages have to go elsewhere."""
        if response_url:
            self._asides[delivery_key] = response_url
            while len(self._asides) > 1000:
                self._asides.popitem(last=False)

    # --- the loop -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._news.clear()
            try:
                pause = self.tell_due()
            except Exception:
                log.exception("the outbox could not be read")
                pause = 1.0
            self._news.wait(pause)

    def tell_due(self) -> float:
        """Tell all that is due and allowed now; seconds until there may be more."""
        waits: list[float] = []
        for entry in sorted(self._ledger.outbox.due(), key=lambda entry: URGENCY[entry.kind]):
            if self._stopping.is_set():
                break
            with bound(outbox=entry.key):
                try:
                    self._tell_one(entry)
                except NotYet as wait:
                    waits.append(wait.seconds)
        next_at = self._ledger.outbox.next_due_at()
        soonest = max(0.0, next_at - self._ledger.clock()) if next_at else IDLE
        return min(soonest or AGAIN, *waits) if waits else min(soonest, IDLE)

    def _tell_one(self, entry: OutboxEntry) -> None:
        """Raises NotYet; every other trouble ends in a later attempt or in giving up, never in another entry's way."""
        try:
            self._tell_or_settle(entry)
        except NotYet:
            raise
        except (SlackApiError, *UNREACHABLE) as error:
            self._back_off(entry, error_word(error) if isinstance(error, SlackApiError) else f"no answer: {error}")
        except Exception:
            log.exception("an outbox entry could not be told")
            self._ledger.outbox.postpone(entry, self._ledger.clock() + LONGEST_BACKOFF)

    def _tell_or_settle(self, entry: OutboxEntry) -> None:
        try:
            self._tell[entry.kind](entry)
        except SlackApiError as error:
            self._settle_refusal(entry, error)

    def _settle_refusal(self, entry: OutboxEntry, error: SlackApiError) -> None:
        word = error_word(error)
        if word in LOST_MESSAGE:
            log.warning("gave up: %s", word)
            self._told(entry, entry.address or "", entry.remote_id, entry.content_hash or "")
        elif word in NO_ENTRY and entry.kind == OutboxKind.SUMMARY and self._move_to_person(entry):
            log.info("moved to direct messages: %s", word)
        elif word in NO_ENTRY or word in NO_RIGHTS:
            log.error("Slack refuses: %s; invite the app to the channel, or check its token and scopes", word)
            self._ledger.outbox.postpone(
                entry, self._ledger.clock() + (ASK_A_PERSON if word in NO_ENTRY else LONGEST_BACKOFF)
            )
        elif word in THROTTLED:
            self._ledger.outbox.postpone(entry, self._ledger.clock() + retry_after(error))
        else:
            raise error

    def _back_off(self, entry: OutboxEntry, why: str) -> None:
        pause = min(LONGEST_BACKOFF, 0.5 * 2.0**entry.attempts) * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)
        log.warning("not told yet, trying again in %.1f s: %s", pause, why)
        self._ledger.outbox.postpone(entry, self._ledger.clock() + pause)

    # --- the kinds ----------------------------------------------------------------------------------------------

    def _tell_summary(self, entry: OutboxEntry) -> None:
        story = self._story(entry)
        if not story:
            return None
        origin = story.job.origin
        if not origin:  # ordered at a terminal: nobody in Slack waits for it
            self._told(entry, "", None, "")
            return self._refresh_home(story)
        moved = bool(entry.address) and not is_person(origin) and entry.address != origin
        said = messages.summary(story, OFFERS, moved_from=origin if moved else "")
        channel = entry.address or self._sender.channel_of(origin)
        first = entry.remote_id is None
        self._project(entry, channel, said, urgent=not story.job.live)
        if moved and first:
            self._whisper_where(story)
        return self._refresh_home(story)

    def _refresh_home(self, story: JobView) -> None:
        self._ledger.outbox.refresh(OutboxKind.HOME, story.store.owner)

    def _tell_failure(self, entry: OutboxEntry) -> None:
        story = self._story(entry)
        if story:
            said = messages.failure(story, OFFERS, self._permalink(story.job.id))
            channel = entry.address if entry.address and entry.remote_id else self._failure_channel
            self._project(entry, channel, said, urgent=True)

    def _tell_notice(self, entry: OutboxEntry) -> None:
        link = self._ledger.links.get(entry.subject)
        store = self._ledger.stores.get(link.store_id) if link else None
        if not link or not store:
            return self._told(entry, "", None, "")
        told = store.owner if is_person(store.owner) else self._failure_channel
        return self._project(entry, self._sender.channel_of(told), messages.receipt(store, link), urgent=True)

    def _tell_home(self, entry: OutboxEntry) -> None:
        stores, total = self._ledger.stores.with_last_jobs(entry.subject, limit=STORE_LIMIT)
        views = [store_view(self._catalog, store, job) for store, job in stores]
        used = self._ledger.stores.owned(entry.subject)
        view = home(views, total, used, self._limits.stores_per_person, OFFERS)
        digest = Message("", view["blocks"], []).digest
        if digest != entry.content_hash:
            self._sender.publish_home(entry.subject, view)
        self._told(entry, entry.subject, None, digest)

    def _tell_stages(self, entry: OutboxEntry) -> None:
        """What happened since the last post, in one. Where `tried_event` is ahead of `sent_event`, the outcome of an
        attempt is unknown and the thread is read."""
        story, root = self._story(entry), self._ledger.outbox.get(OutboxKind.SUMMARY, entry.subject)
        if not story:
            return
        if not root or not root.address or not root.remote_id:
            if not root or root.sent_revision < root.revision:
                raise NotYet(GATHER)
            self._told(entry, "", None, "")  # the root was given up: there is no thread, and there will be none
            return
        self._gather(entry, story)
        told = entry.sent_event
        if entry.tried_event > told:
            told = max(told, self._sender.last_event_told(root.address, root.remote_id, entry.key))
        events = [event for event in story.events if event.id > told]
        said, last = messages.stages(story, events), events[-1].id if events else told
        if said:
            self._sender.may_post(root.address, in_thread=True)
            self._ledger.outbox.note_attempt(entry, root.address, tried_event=last)
            self._sender.post(root.address, said, {"key": entry.key, "last_event": last}, root.remote_id)
        self._ledger.outbox.sent(entry, Receipt(root.address, sent_event=last))

    def _gather(self, entry: OutboxEntry, story: JobView) -> None:
        """Wait a moment for more to say, unless the job is over."""
        waited = self._ledger.clock() - entry.due_at
        if story.job.live and entry.attempts == 0 and waited < GATHER:
            raise NotYet(GATHER - waited)

    # --- telling ------------------------------------------------------------------------------------------------

    def _project(self, entry: OutboxEntry, channel: str, said: Message, *, urgent: bool) -> None:
        """Make the entry's one message say `said`: post it, or edit it where it differs.

        An entry with an address and no message was tried before, with an unknown outcome: it is looked for first."""
        ts, known = entry.remote_id, entry.content_hash
        if not ts and entry.address:
            ts, known = self._sender.find(channel, entry.key, since=entry.created_at - CLOCK_SKEW), None
        if not ts:
            self._sender.may_post(channel)
            self._ledger.outbox.note_attempt(entry, channel)
            ts = self._sender.post(channel, said, {"key": entry.key})
        elif known != said.digest:
            self._sender.edit(channel, ts, said, {"key": entry.key}, urgent=urgent)
        self._told(entry, channel, ts, said.digest)

    def _told(self, entry: OutboxEntry, address: str, remote_id: str | None, content_hash: str) -> None:
        self._ledger.outbox.sent(entry, Receipt(address, remote_id, content_hash))

    def _story(self, entry: OutboxEntry) -> JobView | None:
        """None, and the entry is done with, where the ledger no longer knows the job."""
        story = read_job_view(self._ledger, self._catalog, entry.subject)
        if not story:
            self._told(entry, "", None, "")
        return story

    def _permalink(self, job_id: str) -> str:
        """The address of a job's root message; '' where it has none (any more)."""
        entry = self._ledger.outbox.get(OutboxKind.SUMMARY, job_id)
        if not entry or not entry.remote_id:
            return ""
        return self._sender.permalink(entry.address or "", entry.remote_id)

    # --- where we may not post ------------------------------------------------------------------------------------

    def _move_to_person(self, entry: OutboxEntry) -> bool:
        """Let the entry be told in direct messages from now on; False where that is where it was refused."""
        job = self._ledger.jobs.get(entry.subject)
        direct = self._sender.channel_of(job.requested_by) if job else ""
        if not job or (entry.address or self._sender.channel_of(job.origin)) == direct:
            return False
        self._ledger.outbox.note_attempt(entry, direct)
        return True

    def _whisper_where(self, story: JobView) -> None:
        response_url = self._asides.pop(story.job.delivery_key, "")
        if response_url:
            whisper(response_url, messages.moved_aside(story.store.name, self._permalink(story.job.id)))
