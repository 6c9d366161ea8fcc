"""The ledger that the former version left in tests/former, opened by this version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from provisioner.domain.job import EventKind, JobPhase, JobStatus, find_event
from provisioner.ledger.backup import Backups, summarize
from provisioner.ledger.ledger import Ledger
from tests.former.restore import FormerFiles
from tests.ledgers import exclusive_ledger

Rows = dict[str, list[dict[str, Any]]]
PLACES = {"instance": "storewright", "port": "8081", "bot_url": "http://bot", "slack_url": "http://slack"}
# The columns whose meaning the migration changes.
CHANGED = {"jobs": ["problem"], "job_events": ["detail"], "outbox": ["remote_id", "content_hash"], "audit": ["outcome"]}


def rows_of(path: Path) -> Rows:
    """All rows, by table and in order."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        query = "SELECT * FROM {} ORDER BY rowid"
        return {table: [dict(row) for row in db.execute(query.format(table))] for table in tables}


@pytest.fixture
def former(tmp_path: Path) -> Path:
    """The path of the ledger before the migration."""
    path = tmp_path / "ledger.db"
    FormerFiles(**PLACES).restore_ledger(path)
    return path


@pytest.fixture
def migrated(former: Path) -> Iterator[Ledger]:
    with exclusive_ledger(former) as opened:
        yield opened


def test_backup_before_the_migration_holds_the_former_rows(former: Path) -> None:
    before = rows_of(former)
    Ledger.exclusive(former).close()
    [backup] = Backups(former).all()
    assert backup.path.stem.endswith("-before-m0004-phases-and-facts")
    assert summarize(backup.path).schema == "m0003_chart_versions"
    assert rows_of(backup.path) == before


def test_migration_keeps_every_row(former: Path) -> None:
    before = rows_of(former)
    Ledger.exclusive(former).close()
    after = rows_of(former)
    assert [row["name"] for row in after.pop("_sqlite_migrations")] == [
        *(row["name"] for row in before.pop("_sqlite_migrations")),
        "m0004_phases_and_facts",
        "m0005_moved_messages",
        "m0006_chained_audit",
        "m0007_store_backups",
        "m0008_job_arguments",
        "m0009_kept_stores",
        "m0010_proven_backups",
        "m0011_download_links",
        "m0012_upload_links",
        "m0013_expiry",
        "m0014_messages_by_id",
        "m0015_idle_stores",
        "m0016_homes",
        "m0017_cancelled_jobs",
    ]
    assert after.pop("store_backups") == after.pop("homes") == []
    assert after.keys() == before.keys()
    for table, rows in before.items():
        kept = [column for column in rows[0] if column not in CHANGED.get(table, [])]
        assert len(rows) > 0
        assert [{c: row[c] for c in kept} for row in after[table]] == [{c: row[c] for c in kept} for row in rows]


def test_rows_of_the_audit_log_become_a_chain(migrated: Ledger) -> None:
    assert len(migrated.audit.rows()) > 0
    assert list(migrated.audit.breaks()) == []


def test_rollback_in_progress_becomes_a_phase_with_its_problem(migrated: Ledger) -> None:
    store = migrated.stores.named("former-undone")
    assert store
    job = migrated.jobs.last(store.id)
    assert job
    assert (job.status, job.phase) == (JobStatus.RUNNING, JobPhase.ROLLBACK)
    assert job.problem
    assert job.problem.what == "The migration of former-undone failed: it ended with exit code 3."
    assert job.problem.log_tail.startswith("error: it is odd")
    started = find_event(migrated.jobs.events(job.id), EventKind.STARTED, "rollback")
    assert started
    assert started.detail == ""
    [interrupted] = migrated.jobs.requeue_interrupted()
    assert interrupted.id == job.id
    claimed = migrated.jobs.claim()
    assert claimed
    assert (claimed.phase, claimed.problem) == (JobPhase.ROLLBACK, job.problem)


def test_migrated_ledger_has_nothing_to_send(migrated: Ledger) -> None:
    assert list(migrated.outbox.due()) == [], "no message is posted or edited again because of the migration"
