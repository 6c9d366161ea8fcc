"""The notifier: sends the outbox to Slack. It is the only layer that retries.

Each entry takes three steps: read a snapshot, render the message, deliver it."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Collection
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.notifications.app_home import HomeNotification
from bot.notifications.expiry import ExpiryNotification, ExpiryPostNotification
from bot.notifications.failure import FailureNotification
from bot.notifications.message_sender import MessageSender
from bot.notifications.night import NightNotification
from bot.notifications.notification import Notification, Projector
from bot.notifications.receipt import ReceiptNotification
from bot.notifications.refusal import RefusalNotification
from bot.notifications.sleep import SleepNotification
from bot.notifications.stages import StagesNotification
from bot.notifications.summary import SummaryNotification
from bot.notifications.transfer import TransferNotification
from bot.slack.client import UNREACHABLE, Slack, TokenRefused, error_word, retry_after
from bot.slack.rate_limiter import NotYet, RateLimiter
from bot.slack.refusals import Refusal, is_final, is_lasting, refusal_of
from provisioner.ledger.outbox import OutboxEntry, OutboxKind, Receipt
from provisioner.log_context import bound
from provisioner.orders import Orders

log = logging.getLogger(__name__)

IDLE_SECONDS = 30.0  # between looks without a signal
GATHER_SECONDS = 1.0  # for which a thread post waits for more events
PACE_SECONDS = 1.0  # until another look at what our own pace holds up
LONGEST_BACKOFF_SECONDS = 60.0
NO_ACCESS_SECONDS = 300.0  # until the next attempt of what only a person can fix
STOP_TIMEOUT_SECONDS = 15.0

URGENCY = {
    OutboxKind.SUMMARY: 0,
    OutboxKind.FAILURE: 1,
    OutboxKind.RECEIPT: 1,
    OutboxKind.NIGHT: 1,
    OutboxKind.TRANSFER: 1,
    OutboxKind.EXPIRY: 1,
    OutboxKind.EXPIRY_POST: 1,
    OutboxKind.SLEEP: 1,
    OutboxKind.REFUSAL: 1,
    OutboxKind.STAGES: 2,
    OutboxKind.HOME: 3,
}


class Notifier:
    """Sends due entries on a thread of its own. The ledger's signal `entry_due` wakes it."""

    def __init__(
        self,
        orders: Orders,
        slack: Slack,
        failure_channel: str,
        admins: Collection[str] = (),
        *,
        pace: RateLimiter | None = None,
        gather_seconds: float = GATHER_SECONDS,
    ) -> None:
        """What Slack refuses in the failure channel goes to one of the `admins`."""
        self._ledger, ledger, catalog = orders.ledger, orders.ledger, orders.catalog
        self._sender = sender = MessageSender(slack, pace or RateLimiter())
        projector, for_operators = Projector(ledger, sender), (failure_channel, *sorted(admins))
        summary = SummaryNotification(ledger, catalog, sender, projector, failure_channel)
        self.remember_response_url = summary.remember_response_url
        self._notifications: dict[OutboxKind, Notification[Any, Any]] = {
            OutboxKind.SUMMARY: summary,
            OutboxKind.STAGES: StagesNotification(ledger, catalog, sender, gather_seconds),
            OutboxKind.FAILURE: FailureNotification(ledger, catalog, projector, for_operators),
            OutboxKind.REFUSAL: RefusalNotification(ledger, projector, for_operators),
            OutboxKind.RECEIPT: ReceiptNotification(orders, sender, projector, failure_channel),
            OutboxKind.NIGHT: NightNotification(ledger, projector, for_operators),
            OutboxKind.TRANSFER: TransferNotification(ledger, sender, projector, failure_channel),
            OutboxKind.EXPIRY: ExpiryNotification(orders, sender, projector, failure_channel),
            OutboxKind.EXPIRY_POST: ExpiryPostNotification(orders, projector),
            OutboxKind.SLEEP: SleepNotification(ledger, catalog, sender, projector),
            OutboxKind.HOME: HomeNotification(orders, sender),
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
        """Raises NotYet. Every other error ends in another attempt or a dead entry, and stops no other entry."""
        try:
            self._send_or_move(entry)
        except NotYet:
            raise
        except SlackApiError as error:
            self._settle(entry, error)
        except UNREACHABLE as error:  # without a limit: nothing is lost by waiting
            self._postpone(entry, _backoff_seconds(entry.attempts), f"no answer: {error}")
        except TokenRefused as error:  # without a limit, and in its place: no other one is better
            self._hold(entry, str(error))
            self._postpone(entry, LONGEST_BACKOFF_SECONDS, str(error))
        except Exception as error:
            log.exception("outbox entry not sent")
            self._postpone_or_bury(entry, Refusal.UNKNOWN, _backoff_seconds(entry.attempts), type(error).__name__)

    def _send_or_move(self, entry: OutboxEntry) -> None:
        """Send the entry to its next place if Slack lastingly refuses it. Raises what `deliver` raises."""
        try:
            self._send(entry)
        except SlackApiError as error:
            word = error_word(error)
            if not is_lasting(word, entry.attempts) or not self._moved(entry, word):
                raise
            log.warning("message moved: %s", word)

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

    def _moved(self, entry: OutboxEntry, word: str) -> bool:
        """Whether there is a place after the one that refused the entry; it is sent there from now on."""
        tried = self._ledger.outbox.get(entry.kind, entry.subject) or entry
        channels = self._sender.reachable(self._notifications[entry.kind].places(entry), entry.attempts)
        left = channels[channels.index(tried.address) + 1 :] if tried.address in channels else channels
        if left:
            self._ledger.outbox.move(entry, left[0], word)
        return bool(left)

    def _settle(self, entry: OutboxEntry, error: SlackApiError) -> None:
        """Try the entry again in the same place, later, or give it up."""
        word = error_word(error)
        refusal, movable = refusal_of(word), self._notifications[entry.kind].places(entry)
        if refusal in (Refusal.LOST, Refusal.NO_ACCESS) and not movable:
            log.warning("message lost: %s", word)  # nobody misses it: a root message says the same as its thread
            receipt = Receipt(entry.address or "", entry.remote_id, entry.content_hash, entry.sent_event)
            self._ledger.outbox.sent(entry, receipt)
            return
        if refusal in (Refusal.NO_ACCESS, Refusal.NO_RIGHTS):
            self._hold(entry, word)
        self._postpone_or_bury(entry, refusal, _wait_seconds(refusal, entry.attempts, error), word)

    def _hold(self, entry: OutboxEntry, word: str) -> None:
        log.error("Slack refused: %s; invite the app to the channel, or check its token and scopes", word)
        self._notifications[entry.kind].held(entry, word)

    def _postpone_or_bury(self, entry: OutboxEntry, refusal: Refusal, wait_seconds: float, reason: str) -> None:
        if is_final(refusal, entry.attempts):
            log.error("message given up after %d attempts: %s", entry.attempts + 1, reason)
            self._ledger.outbox.bury(entry, reason)
        else:
            self._postpone(entry, wait_seconds, reason)

    def _postpone(self, entry: OutboxEntry, wait_seconds: float, reason: str) -> None:
        log.warning("message not sent, next attempt in %.1f s: %s", wait_seconds, reason)
        self._ledger.outbox.postpone(entry, self._ledger.clock() + wait_seconds, reason)


def _wait_seconds(refusal: Refusal, attempts: int, error: SlackApiError) -> float:
    """Until the next attempt in the same place."""
    match refusal:
        case Refusal.NO_ACCESS:
            return NO_ACCESS_SECONDS
        case Refusal.NO_RIGHTS:
            return LONGEST_BACKOFF_SECONDS
        case Refusal.THROTTLED:
            return max(retry_after(error), _backoff_seconds(attempts))
        case _:
            return _backoff_seconds(attempts)


def _backoff_seconds(attempts: int) -> float:
    longest = min(LONGEST_BACKOFF_SECONDS, 0.5 * 2.0**attempts)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)
