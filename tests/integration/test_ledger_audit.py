"""The audit log, the delivery keys, and the sweep that deletes records that are a day old."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import asdict
from threading import Thread

import pytest

from provisioner.ledger.audit import AuditRecord, Outcome
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.links import OneTimeLink
from tests.conftest import Clock
from tests.ledgers import SampleOrders

RECORD = AuditRecord("U1", "command", "my-shop", "C1", "/store delete my-shop", "r1")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_outcome_job_and_reason_have_their_own_columns(ledger: Ledger, clock: Clock, outcome: Outcome) -> None:
    ledger.audit.add(RECORD, outcome, job_id="j1", reason="my-shop belongs to U2.")
    [row] = ledger.audit.rows()
    expected = {"at": clock.now, "outcome": outcome.value, "job_id": "j1", "reason": "my-shop belongs to U2."}
    assert row == {"id": row["id"], "hash": row["hash"], **asdict(RECORD), **expected}
    assert Outcome(row["outcome"]) is outcome


def test_newest_rows_come_first(ledger: Ledger) -> None:
    for number in range(3):
        ledger.audit.add(AuditRecord(f"U{number}", "click"), Outcome.ANSWERED)
    assert [row["actor"] for row in ledger.audit.rows(limit=2)] == ["U2", "U1"]


def break_into(ledger: Ledger, *statements: str) -> None:
    """Change the log as somebody who may write the ledger's file, and who removes what refuses it."""
    for change in ("update", "delete"):
        ledger.connection.db.execute(f"DROP TRIGGER audit_refuses_{change}")
    for statement in statements:
        ledger.connection.db.execute(statement)


@pytest.fixture
def audited(ledger: Ledger, clock: Clock) -> Ledger:
    """A ledger with five rows in its audit log."""
    for number in range(1, 6):
        clock.now += 0.1
        ledger.audit.add(AuditRecord(f"U{number}", "command", "my-shop", detail="/store delete “ä”"), Outcome.ANSWERED)
    assert list(ledger.audit.breaks(head_of(ledger))) == []
    return ledger


def head_of(ledger: Ledger) -> str:
    return str(ledger.audit.rows(limit=1)[0]["hash"])


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'U9' WHERE id = 3", "DELETE FROM audit WHERE id = 5"])
def test_rows_can_be_neither_changed_nor_removed(audited: Ledger, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="can only be added"):
        audited.connection.db.execute(statement)
    assert len(audited.audit.rows()) == 5


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE audit SET actor = 'U9' WHERE id = 3"], ["Row 3, or the row before it, was changed."]),
        (["UPDATE audit SET hash = 'abc' WHERE id = 5"], ["Row 5, or the row before it, was changed."]),
        (["DELETE FROM audit WHERE id IN (2, 3)"], ["The rows 2 to 3 were removed."]),
        (["DELETE FROM audit WHERE id = 1"], ["The rows 1 to 1 were removed."]),
        (["DELETE FROM audit WHERE id > 3"], ["The rows 4 to 5 were removed."]),
        (
            ["DELETE FROM audit WHERE id = 2", "UPDATE audit SET id = id - 1 WHERE id > 2"],
            ["Row 2, or the row before it, was changed.", "The rows 5 to 5 were removed."],
        ),
    ],
)
def test_changed_and_removed_rows_are_found(audited: Ledger, statements: list[str], found: list[str]) -> None:
    break_into(audited, *statements)
    assert list(audited.audit.breaks()) == found


def test_rows_removed_at_the_end_without_a_trace_are_found_by_a_known_head(audited: Ledger) -> None:
    known = head_of(audited)
    break_into(audited, "DELETE FROM audit WHERE id > 3", "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit'")
    assert list(audited.audit.breaks()) == []
    assert list(audited.audit.breaks(known)) == [
        f"No row has the hash {known}: that row and maybe others were removed or changed."
    ]
    audited.audit.add(RECORD, Outcome.ANSWERED)
    assert list(audited.audit.breaks(known)) != []


def test_known_head_is_found_after_later_rows(audited: Ledger) -> None:
    known = head_of(audited)
    audited.audit.add(RECORD, Outcome.ANSWERED)
    assert list(audited.audit.breaks(known)) == []


def test_rows_added_by_two_processes_at_once_are_one_chain(audited: Ledger) -> None:
    with closing(Ledger.shared(audited.connection.path)) as terminal:

        def add(to: Ledger) -> None:
            for _ in range(50):
                to.audit.add(RECORD, Outcome.ANSWERED)

        threads = [Thread(target=add, args=[to]) for to in (audited, terminal)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(audited.audit.rows()) == 105
    assert list(audited.audit.breaks()) == []


def test_rows_about_a_store_are_of_the_time_when_it_had_the_name(
    ledger: Ledger, orders: SampleOrders, clock: Clock
) -> None:
    for person in ("U1", "U2"):
        clock.now += 10
        ledger.audit.add(AuditRecord(person, "command", "my-shop", detail="too early"), Outcome.REFUSED)
        clock.now += 10
        made = orders.finished(orders.create("my-shop"))
        ledger.audit.add(AuditRecord(person, "command", "my-shop", detail="made"), Outcome.ORDERED)
        clock.now += 10
        store = ledger.stores.get(made.store_id)
        assert store is not None
        assert [row["actor"] for row in ledger.audit.page(9, [store]).rows] == [person]
        orders.finished(orders.delete(made))
    assert ledger.audit.page(3).total == 4
    assert len(ledger.audit.page(3).rows) == 3
    assert ledger.audit.page(3, []).total == 0


def test_sweep_deletes_old_delivery_keys_only(ledger: Ledger, clock: Clock) -> None:
    assert ledger.deliveries.is_first("a")
    assert not ledger.deliveries.is_first("a")
    clock.now += 100_000
    assert ledger.deliveries.is_first("b")
    ledger.sweep()
    assert ledger.deliveries.is_first("a")
    assert not ledger.deliveries.is_first("b")


def test_sweep_deletes_old_unused_links_only_and_keeps_the_audit_log(
    ledger: Ledger, orders: SampleOrders, clock: Clock
) -> None:
    store_id = orders.finished(orders.create()).store_id
    ledger.links.add(OneTimeLink("L1", "hash", store_id, "U1", clock.now, clock.now + 900))
    assert ledger.links.claim("L1", actor="U1", detail="", request_id="r")
    ledger.links.add(OneTimeLink("L2", "hash", store_id, "U1", clock.now, clock.now + 900))
    clock.now += 100_000
    ledger.links.add(OneTimeLink("L3", "hash", store_id, "U1", clock.now, clock.now + 900))
    ledger.sweep()
    assert [name for name in ("L1", "L2", "L3") if ledger.links.get(name)] == ["L1", "L3"], "L1 has a receipt"
    assert [row["action"] for row in ledger.audit.rows()] == ["reveal"]
