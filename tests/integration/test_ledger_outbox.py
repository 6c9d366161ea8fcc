"""The outbox of a real ledger, and the signals for the scheduler and the notifier."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioner.domain.errors import LimitReached, Problem
from provisioner.domain.job import EventKind, Job
from provisioner.domain.limits import Limits
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import PAGE, OutboxEntry, OutboxKind, Receipt
from tests.conftest import Clock
from tests.ledgers import SampleOrders


def due(ledger: Ledger) -> list[OutboxEntry]:
    return list(ledger.outbox.due())


# --- entries -----------------------------------------------------------------------------------------------------


def test_event_recorded_during_a_send_keeps_the_entry_due(ledger: Ledger, orders: SampleOrders) -> None:
    job = orders.create()
    [entry] = due(ledger)
    ledger.jobs.record(orders.claimed(), EventKind.STARTED, "namespace")
    ledger.outbox.sent(entry, Receipt("C1", "1.0", "h"))
    [again] = due(ledger)
    assert (again.key, again.remote_id, again.content_hash) == (f"summary:{job.id}", "1.0", "h")
    ledger.outbox.sent(again, Receipt("C1", "1.0", "h2"))
    assert due(ledger) == []


def test_new_event_leaves_a_postponed_entry_postponed(ledger: Ledger, orders: SampleOrders, clock: Clock) -> None:
    orders.create()
    ledger.outbox.postpone(due(ledger)[0], clock.now + 30)
    ledger.jobs.record(orders.claimed(), EventKind.STARTED, "namespace")
    assert due(ledger) == [], "Slack's Retry-After still applies"
    assert ledger.outbox.next_due_at() == clock.now + 30
    clock.now += 30
    assert due(ledger)[0].attempts == 1


def test_dead_entry_is_not_due_until_something_new_happens(ledger: Ledger, orders: SampleOrders) -> None:
    orders.create()
    [entry] = due(ledger)
    ledger.outbox.postpone(entry, entry.due_at, "away")
    ledger.outbox.bury(entry, "channel_not_found")
    [report] = due(ledger)
    assert (report.kind, report.subject) == (OutboxKind.REFUSAL, "channel_not_found")
    assert [found.key for found in ledger.outbox.dead("channel_not_found")] == [entry.key]
    ledger.outbox.sent(report, Receipt("C1", "1.0"))
    assert ledger.outbox.next_due_at() is None
    assert (ledger.statistics.counts().outbox_due, ledger.statistics.counts().outbox_dead) == (0, 1)
    dead = ledger.outbox.get(entry.kind, entry.subject)
    assert dead is not None
    assert dead.error == "channel_not_found"
    ledger.jobs.record(orders.claimed(), EventKind.STARTED, "namespace")
    [revived] = due(ledger)
    assert (revived.dead_at, revived.error, revived.attempts) == (None, "", 0)


def test_report_of_refused_messages_that_is_refused_is_not_reported(ledger: Ledger) -> None:
    ledger.outbox.put(OutboxKind.HOME, "U1")
    ledger.outbox.bury(due(ledger)[0], "not_enabled")
    [report] = due(ledger)
    ledger.outbox.bury(report, "is_archived")
    assert due(ledger) == []


def test_moved_entry_is_a_new_message_elsewhere(ledger: Ledger, clock: Clock) -> None:
    ledger.outbox.put(OutboxKind.SUMMARY, "j1")
    [entry] = due(ledger)
    ledger.outbox.sent(entry, Receipt("C1", "1.0", "h"))
    ledger.outbox.put(OutboxKind.SUMMARY, "j1")
    [again] = due(ledger)
    ledger.outbox.postpone(again, clock.now + 60, "internal_error")
    ledger.outbox.move(again, "D1", "is_archived")
    [moved] = due(ledger)
    assert (moved.address, moved.remote_id, moved.content_hash) == ("D1", None, None)
    assert (moved.moved_for, moved.attempts) == ("is_archived", 0)
    ledger.outbox.put(OutboxKind.SUMMARY, "j1")
    assert due(ledger)[0].moved_for == "is_archived", "as long as it is there"


def test_due_entries_are_read_past_the_first_page(ledger: Ledger, clock: Clock) -> None:
    for number in range(2 * PAGE + 1):
        ledger.outbox.put(OutboxKind.HOME, f"U{number}")
        clock.now += number % 2
    read = due(ledger)
    assert len(read) == len({entry.key for entry in read}) == 2 * PAGE + 1
    assert [entry.due_at for entry in read] == sorted(entry.due_at for entry in read)


def test_attempt_and_receipt_of_a_thread_are_recorded(ledger: Ledger) -> None:
    ledger.outbox.put(OutboxKind.STAGES, "j1")
    [entry] = due(ledger)
    ledger.outbox.note_attempt(entry, "C1", tried_event=7)
    [tried] = due(ledger)
    assert (tried.address, tried.tried_event, tried.sent_event) == ("C1", 7, 0)
    ledger.outbox.sent(tried, Receipt("C1", sent_event=7))
    sent = ledger.outbox.get(OutboxKind.STAGES, "j1")
    assert sent is not None
    assert (sent.tried_event, sent.sent_event) == (7, 7)


# --- signals -----------------------------------------------------------------------------------------------------


class Listener:
    """Counts the two signals of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.sent = {"job_queued": 0, "entry_due": 0}
        ledger.signals.job_queued.connect(lambda: self._count("job_queued"))
        ledger.signals.entry_due.connect(lambda: self._count("entry_due"))

    def _count(self, name: str) -> None:
        self.sent[name] += 1

    def during(self, act: Callable[[], object]) -> tuple[int, int]:
        """How often `job_queued` and `entry_due` are sent during `act`."""
        before = dict(self.sent)
        act()
        return self.sent["job_queued"] - before["job_queued"], self.sent["entry_due"] - before["entry_due"]


@pytest.fixture
def listener(ledger: Ledger) -> Listener:
    return Listener(ledger)


def test_order_sends_both_signals_once(orders: SampleOrders, listener: Listener) -> None:
    assert listener.during(orders.create) == (1, 1)


def test_event_of_a_job_sends_entry_due_only(ledger: Ledger, orders: SampleOrders, listener: Listener) -> None:
    job = orders.claimed(orders.create())
    assert listener.during(lambda: ledger.jobs.record(job, EventKind.STARTED, "namespace")) == (0, 1)
    assert listener.during(lambda: ledger.jobs.record(job, EventKind.STARTED, "namespace")) == (0, 0), "known already"
    assert listener.during(lambda: orders.journal.succeed(job)) == (0, 1)


def test_job_queued_again_sends_job_queued(ledger: Ledger, orders: SampleOrders, listener: Listener) -> None:
    job = orders.claimed(orders.create())
    assert listener.during(lambda: ledger.jobs.hand_over(job)) == (1, 0)
    job = orders.claimed(job)
    assert listener.during(lambda: ledger.jobs.requeue(job)) == (1, 0)


def test_job_to_retry_later_sends_entry_due_only(
    ledger: Ledger, orders: SampleOrders, listener: Listener, clock: Clock
) -> None:
    job: Job = orders.claimed(orders.create())
    assert listener.during(lambda: ledger.jobs.retry_later(job, Problem("away"), clock.now + 9)) == (0, 1)


def test_outbox_updates_of_the_notifier_send_no_signal(
    ledger: Ledger, orders: SampleOrders, listener: Listener, clock: Clock
) -> None:
    orders.create()
    [entry] = due(ledger)
    outbox = ledger.outbox
    for act in (
        lambda: outbox.note_attempt(entry, "C1"),
        lambda: outbox.postpone(entry, clock.now),
        lambda: outbox.move(entry, "D1", "channel_not_found"),
        lambda: outbox.sent(entry, Receipt("C1", "1.0", "h")),
    ):
        assert listener.during(act) == (0, 0)


def test_order_for_home_sends_entry_due_only(ledger: Ledger, listener: Listener) -> None:
    assert listener.during(lambda: ledger.outbox.put(OutboxKind.HOME, "U1")) == (0, 1)


def test_quiet_ticks_send_no_signal(ledger: Ledger, listener: Listener) -> None:
    def tick() -> None:
        assert ledger.jobs.claim() is None
        ledger.jobs.requeue_interrupted()
        ledger.jobs.note_waiting(Problem("No lease."))
        ledger.sweep()

    assert listener.during(tick) == (0, 0)


def test_order_that_fails_sends_no_signal(ledger: Ledger, orders: SampleOrders, listener: Listener) -> None:
    orders.create()
    full = SampleOrders(ledger, limits=Limits(stores_per_person=1))

    def order() -> None:
        with pytest.raises(LimitReached):
            full.create("other-shop")

    assert listener.during(order) == (0, 0)


def test_transaction_that_is_rolled_back_sends_no_signal(
    ledger: Ledger, orders: SampleOrders, listener: Listener
) -> None:
    def order_and_interrupt() -> None:
        with ledger.transaction():
            orders.create("my-shop")
            raise KeyboardInterrupt

    def interrupted_order() -> None:
        with pytest.raises(KeyboardInterrupt):
            order_and_interrupt()

    assert listener.during(interrupted_order) == (0, 0)
    assert ledger.stores.all() == []
    assert listener.during(ledger.sweep) == (0, 0), "nothing is left to send"


def test_listener_may_write_to_the_ledger(ledger: Ledger, orders: SampleOrders) -> None:
    seen: list[int] = []
    ledger.signals.job_queued.connect(lambda: seen.append(len(ledger.stores.all())))
    ledger.signals.job_queued.connect(ledger.sweep)
    orders.create()
    assert seen == [1], "sent after the commit"
