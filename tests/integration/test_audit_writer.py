"""AuditWriter: rows are added behind the answers, and all are there at its end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.slack.audit_writer import AuditWriter
from provisioner.ledger.audit import AuditRecord, Outcome
from tests.ledgers import exclusive_ledger


def test_all_rows_are_written_before_the_block_ends(tmp_path: Path) -> None:
    with exclusive_ledger(tmp_path / "ledger.db") as ledger:
        with AuditWriter(ledger) as writer, ThreadPoolExecutor(20) as threads:
            for number in range(200):
                threads.submit(writer.add, AuditRecord(f"U{number}", "command"), Outcome.ANSWERED)
        assert sorted(row["actor"] for row in ledger.audit.rows()) == sorted(f"U{number}" for number in range(200))


def test_rows_that_come_while_the_disk_writes_share_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with exclusive_ledger(tmp_path / "ledger.db") as ledger, AuditWriter(ledger) as writer:
        transaction, begun = ledger.transaction, []

        def counted() -> AbstractContextManager[Database]:
            begun.append(1)
            return transaction()

        monkeypatch.setattr(ledger, "transaction", counted)
        with transaction():  # the disk is busy
            for number in range(50):
                writer.add(AuditRecord(f"U{number}", "command"), Outcome.ANSWERED)
        writer.wait_until_written()
        assert len(ledger.audit.rows()) == 50
        assert len(begun) <= 5, "one for the first rows, and one for all that came meanwhile"


def test_row_that_cannot_be_written_is_logged_and_costs_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with exclusive_ledger(tmp_path / "ledger.db") as ledger:
        with AuditWriter(ledger) as writer, ledger.transaction():  # so that all three come at once
            for actor in ("U1", "U\ud800", "U2"):  # half of a surrogate pair is no UTF-8
                writer.add(AuditRecord(actor, "command"), Outcome.ANSWERED)
        assert [row["actor"] for row in ledger.audit.rows()] == ["U2", "U1"]
    assert "audit row not written: answered" in caplog.text
