"""The notifier: sends the outbox to Slack. It is the only layer that retries.

Each entry takes three steps: read a snapshot, render the message, deliver it."""

from __future__ import annotations

import logging
import random
import threading
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.notifications.app_home import HomeNotification
from bot.notifications.failure import FailureNotification
from bot.notifications.message_sender import MessageSender
from bot.notifications.notification import Notification, Projector
from bot.notifications.receipt import ReceiptNotification
from bot.notifications.stages import StagesNotification
from bot.notifications.summary import SummaryNotification
from bot.slack.client import UNREACHABLE, Slack, error_word, retry_after
from bot.slack.rate_limiter import NotYet, RateLimiter
from bot.slack.refusals import Refusal, refusal_of
from provisioner.domain.catalog import Catalog
from provisioner.domain.limits import Limits
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxEntry, OutboxKind, Receipt
from provisioner.log_context import bound

log = logging.getLogger(__name__)

IDLE_SECONDS = 30.0  # between looks without a signal
GATHER_SECONDS = 1.0  # for which a thread post waits for more events
PACE_SECONDS = 1.0  # until another look at what our own pace holds up
LONGEST_BACKOFF_SECONDS = 60.0
NO_ACCESS_SECONDS = 300.0  # until the next attempt of what only a person can fix
MAX_ATTEMPTS = {Refusal.UNKNOWN: 10, Refusal.NO_ACCESS: 288, Refusal.NO_RIGHTS: 1440}  # the last two: one day
STOP_TIMEOUT_SECONDS = 15.0

URGENCY = {
    OutboxKind.SUMMARY: 0,
    OutboxKind.FAILURE: 1,
    OutboxKind.NOTICE: 1,
    OutboxKind.STAGES: 2,
    OutboxKind.HOME: 3,
}


class Notifier:
    """Sends due entries on a thread of its own. The ledger's signal `entry_due` wakes it."""

    def __init__(
        self,
        ledger: Ledger,
        catalog: Catalog,
        slack: Slack,
        failure_channel: str,
        limits: Limits,
        *,
        pace: RateLimiter | None = None,
        gather_seconds: float = GATHER_SECONDS,
    ) -> None:
        self._ledger = ledger
        sender = MessageSender(slack, pace or RateLimiter())
        projector = Projector(ledger, sender)
        summary = SummaryNotification(ledger, catalog, sender, projector)
        self.remember_response_url = summary.remember_response_url
        self._notifications: dict[OutboxKind, Notification[Any, Any]] = {
            OutboxKind.SUMMARY: summary,
            OutboxKind.STAGES: StagesNotification(ledger, catalog, sender, gather_seconds),
            OutboxKind.FAILURE: FailureNotification(ledger, catalog, projector, failure_channel),
            OutboxKind.NOTICE: ReceiptNotification(ledger, sender, projector, failure_channel),
            OutboxKind.HOME: HomeNotification(ledger, catalog, sender, limits),
        }
        self._woken, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    # --- start and stop ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start to send."""
        self._ledger.signals.entry_due.connect(self.wake)
        self._thread.start()

    def request_stop(self) -> None:
        """Send nothing after the present message; the next process sends the rest. Returns at once."""
        self._stopping.set()
        self._woken.set()

    def stop(self) -> None:
        """Stop, and wait for the present message."""
        self.request_stop()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_TIMEOUT_SECONDS)

    def wake(self) -> None:
        """Look for due entries now."""
        self._woken.set()

    # --- the loop ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                pause_seconds = self.send_due()
            except Exception:
                log.exception("outbox not read")
                pause_seconds = 1.0
            self._woken.wait(pause_seconds)

    def send_due(self) -> float:
        """Send everything that is due and that the pace allows; returns the seconds until there may be more."""
        waits: list[float] = []
        for entry in sorted(self._ledger.outbox.due(), key=lambda entry: URGENCY[entry.kind]):
            if self._stopping.is_set():
                break
            with bound(outbox=entry.key):
                try:
                    self._send_or_settle(entry)
                except NotYet as wait:
                    waits.append(wait.seconds)
        next_at = self._ledger.outbox.next_due_at()
        soonest = max(0.0, next_at - self._ledger.clock()) if next_at else IDLE_SECONDS
        return min(soonest or PACE_SECONDS, *waits) if waits else min(soonest, IDLE_SECONDS)

    def _send_or_settle(self, entry: OutboxEntry) -> None:
        """Raises NotYet. Every other error ends in a later attempt or a dead entry, and stops no other entry."""
        try:
            self._send(entry)
        except NotYet:
            raise
        except SlackApiError as error:
            self._settle_refusal(entry, error)
        except UNREACHABLE as error:
            self._back_off(entry, f"no answer: {error}")
        except Exception as error:
            log.exception("outbox entry not sent")
            self._settle_unknown(entry, f"{type(error).__name__}: {error}")

    def _send(self, entry: OutboxEntry) -> None:
        """Read, render, deliver."""
        notification = self._notifications[entry.kind]
        snapshot = notification.read(entry)
        if snapshot is None:
            self._ledger.outbox.sent(entry, Receipt())
            return
        content = notification.render(snapshot)
        receipt = notification.deliver(entry, snapshot, content)
        self._ledger.outbox.sent(entry, receipt)

    # --- refusals ---------------------------------------------------------------------------------------------------

    def _settle_refusal(self, entry: OutboxEntry, error: SlackApiError) -> None:
        word = error_word(error)
        match refusal_of(word):
            case Refusal.LOST:
                log.warning("message lost: %s", word)
                receipt = Receipt(entry.address or "", entry.remote_id, entry.content_hash, entry.sent_event)
                self._ledger.outbox.sent(entry, receipt)
            case Refusal.THROTTLED:
                self._ledger.outbox.postpone(entry, self._ledger.clock() + retry_after(error), word)
            case Refusal.NO_ACCESS if self._redirect(entry):
                log.info("message moved to direct messages: %s", word)
            case Refusal.NO_ACCESS | Refusal.NO_RIGHTS as refusal:
                log.error("Slack refused: %s; invite the app to the channel, or check its token and scopes", word)
                wait = NO_ACCESS_SECONDS if refusal is Refusal.NO_ACCESS else LONGEST_BACKOFF_SECONDS
                self._postpone_or_bury(entry, refusal, wait, word)
            case Refusal.SLACK_DOWN:
                self._back_off(entry, word)
            case Refusal.UNKNOWN:
                self._settle_unknown(entry, word)

    def _redirect(self, entry: OutboxEntry) -> bool:
        try:
            return self._notifications[entry.kind].redirect(entry)
        except SlackApiError as error:
            log.warning("direct messages not opened: %s", error_word(error))
            return False

    def _settle_unknown(self, entry: OutboxEntry, reason: str) -> None:
        self._postpone_or_bury(entry, Refusal.UNKNOWN, _backoff_seconds(entry.attempts), reason)

    def _postpone_or_bury(self, entry: OutboxEntry, refusal: Refusal, wait_seconds: float, reason: str) -> None:
        if entry.attempts + 1 >= MAX_ATTEMPTS[refusal]:
            log.error("message given up after %d attempts: %s", entry.attempts + 1, reason)
            self._ledger.outbox.bury(entry, reason)
        else:
            log.warning("message not sent, next attempt in %.1f s: %s", wait_seconds, reason)
            self._ledger.outbox.postpone(entry, self._ledger.clock() + wait_seconds, reason)

    def _back_off(self, entry: OutboxEntry, reason: str) -> None:
        """Slack is away: there is no limit, because nothing is lost by waiting."""
        wait_seconds = _backoff_seconds(entry.attempts)
        log.warning("message not sent, next attempt in %.1f s: %s", wait_seconds, reason)
        self._ledger.outbox.postpone(entry, self._ledger.clock() + wait_seconds, reason)


def _backoff_seconds(attempts: int) -> float:
    longest = min(LONGEST_BACKOFF_SECONDS, 0.5 * 2.0**attempts)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)
