"""The audit log, the delivery keys, and the sweep that deletes records that are a day old."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from provisioner.ledger.audit import AuditRecord, Outcome
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.links import CredentialLink
from tests.conftest import Clock
from tests.ledgers import SampleOrders

RECORD = AuditRecord("U1", "command", "my-shop", "C1", "/store delete my-shop", "r1")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_outcome_job_and_reason_have_their_own_columns(ledger: Ledger, clock: Clock, outcome: Outcome) -> None:
    ledger.audit.add(RECORD, outcome, job_id="j1", reason="my-shop belongs to U2.")
    [row] = ledger.audit.rows()
    expected = {"at": clock.now, "outcome": outcome.value, "job_id": "j1", "reason": "my-shop belongs to U2."}
    assert row == {"id": row["id"], **asdict(RECORD), **expected}
    assert Outcome(row["outcome"]) is outcome


def test_newest_rows_come_first(ledger: Ledger) -> None:
    for number in range(3):
        ledger.audit.add(AuditRecord(f"U{number}", "click"), Outcome.ANSWERED)
    assert [row["actor"] for row in ledger.audit.rows(limit=2)] == ["U2", "U1"]


def test_sweep_deletes_old_delivery_keys_only(ledger: Ledger, clock: Clock) -> None:
    assert ledger.deliveries.is_first("a")
    assert not ledger.deliveries.is_first("a")
    clock.now += 100_000
    assert ledger.deliveries.is_first("b")
    ledger.sweep()
    assert ledger.deliveries.is_first("a")
    assert not ledger.deliveries.is_first("b")


def test_sweep_deletes_old_links_only_and_keeps_the_audit_log(
    ledger: Ledger, orders: SampleOrders, clock: Clock
) -> None:
    store_id = orders.finished(orders.create()).store_id
    ledger.links.add(CredentialLink("L1", "hash", store_id, "U1", clock.now, clock.now + 900))
    assert ledger.links.claim("L1", actor="U1", detail="", request_id="r")
    clock.now += 100_000
    ledger.links.add(CredentialLink("L2", "hash", store_id, "U1", clock.now, clock.now + 900))
    ledger.sweep()
    assert ledger.links.get("L1") is None
    assert ledger.links.get("L2") is not None
    assert [row["action"] for row in ledger.audit.rows()] == ["reveal"]
