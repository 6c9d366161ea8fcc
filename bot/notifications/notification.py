"""Notification: how the entries of one kind are read, rendered and delivered; and delivery of a message that is edited
in place."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from slack_sdk.errors import SlackApiError

from bot.notifications.message_sender import MessageSender
from bot.rendering.blocks import Message
from bot.slack.client import error_word
from bot.slack.refusals import forbids_edits, is_lasting
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxEntry, OutboxKind, Receipt

Snapshot = TypeVar("Snapshot")
Content = TypeVar("Content")

log = logging.getLogger(__name__)

CLOCK_SKEW_SECONDS = 60.0  # by which Slack's clock may be behind ours


class Notification(Protocol, Generic[Snapshot, Content]):
    """One kind of entry, in three steps."""

    def read(self, entry: OutboxEntry) -> Snapshot | None:
        """What the message shows, as it is now; None if there is nothing to send any more. Raises NotYet."""

    def render(self, snapshot: Snapshot) -> Content:
        """The message. Pure."""

    def deliver(self, entry: OutboxEntry, snapshot: Snapshot, content: Content) -> Receipt:
        """Send it. Raises NotYet, SlackApiError, TokenRefused and UNREACHABLE."""

    def places(self, entry: OutboxEntry) -> Sequence[str]:
        """The conversations and people to send it to; the next one if Slack refuses it at the one before.

        Empty if the message makes sense in its own place only: then nothing is lost without it."""
        return ()

    def held(self, entry: OutboxEntry, word: str) -> None:
        """Called while Slack refuses the message in every place, because of `word`. Most kinds need no answer."""
        return


class Projector:
    """Delivers a message that shows a present state: it is posted once, then edited."""

    def __init__(self, ledger: Ledger, sender: MessageSender) -> None:
        self._ledger, self._sender = ledger, sender

    def deliver(
        self,
        entry: OutboxEntry,
        channel: str,
        message: Message,
        *,
        urgent: bool = True,
        repost: bool = True,
        thread_ts: str | None = None,
    ) -> Receipt:
        """Post the message, in the thread of the message `thread_ts` if there is one, or edit it if it differs.

        An entry with an address and no message was tried before with an unknown outcome: it is looked for first.
        A message that is gone or can't be edited any more is posted once more if `repost`; otherwise it stays so."""
        ts, known_hash = entry.remote_id, entry.content_hash
        if not ts and entry.address:
            since = entry.created_at - CLOCK_SKEW_SECONDS
            ts, known_hash = self._sender.find(channel, entry.key, since, thread_ts), None
        if ts and (known_hash == message.digest or self._edited(entry, channel, ts, message, urgent) or not repost):
            return Receipt(channel, ts, message.digest)
        self._sender.may_post(channel, in_thread=bool(thread_ts))
        self._ledger.outbox.note_attempt(entry, channel)
        return Receipt(channel, self._sender.post(channel, message, {"key": entry.key}, thread_ts), message.digest)

    def _edited(self, entry: OutboxEntry, channel: str, ts: str, message: Message, urgent: bool) -> bool:
        """Edit a message; False if Slack lastingly refuses that.

        Where messages can't be edited at all, progress is not worth another message; a result is."""
        try:
            self._sender.edit(channel, ts, message, {"key": entry.key}, urgent=urgent)
        except SlackApiError as error:
            word = error_word(error)
            if not is_lasting(word, entry.attempts):
                raise
            log.warning("message not edited: %s", word)
            return not urgent and forbids_edits(word)
        return True

    def permalink(self, job_id: str) -> str:
        """The address of a job's root message; '' if it has none."""
        entry = self._ledger.outbox.get(OutboxKind.SUMMARY, job_id)
        if not entry or not entry.remote_id:
            return ""
        return self._sender.permalink(entry.address or "", entry.remote_id)
