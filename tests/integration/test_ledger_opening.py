"""Opening a ledger: migrations after a backup, and refusals of ledgers that can't be used."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from provisioner.clients.helm import Helm
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import Problem, StoreUnchanged
from provisioner.domain.job import EventKind, JobPhase, JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.ledger.backup import BackupFailed, Backups, summarize
from provisioner.ledger.connection import LedgerClosed
from provisioner.ledger.ledger import Ledger, LedgerInUse, LedgerNotUsable
from provisioner.ledger.outbox import OutboxKind
from provisioner.ledger.schema import migrations
from provisioner.operations import upgrade
from provisioner.operations.toolbox import StoreDefaults, Toolbox
from tests.conftest import Clock, write_kubeconfig
from tests.ledgers import (
    SampleOrders,
    exclusive_ledger,
    repository_catalog,
    write_as_later_version,
    write_first_ledger,
)

FORMER = Path(__file__).with_name("ledger_m0003.sql")  # a dump of a ledger that the former version wrote
ROLLING_BACK, GOING_FORWARD, ROLLED_BACK = "00000000000a", "00000000000d", "000000000004"  # jobs of that ledger
PULL_PROBLEM = Problem("The image storewright/medusa:none can't be pulled.", "It does not exist.", "Fix the tag.")


# --- migrations --------------------------------------------------------------------------------------------------


def test_migration_follows_a_backup(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    write_first_ledger(path)
    with pytest.raises(LedgerNotUsable, match="m0002_chosen_options"):
        Ledger.shared(path)
    with exclusive_ledger(path) as ledger:
        store = ledger.stores.named("my-shop")
        assert store is not None
        assert (store.status, store.options, store.version) == (StoreStatus.READY, {}, "")
        assert (store.ready_at, store.release) == (2.0, "my-shop")
    [backup] = Backups(path).all()
    assert backup.path.stem.endswith("-before-m0002-chosen-options")
    assert summarize(backup.path).schema == "m0001_first_ledger"
    Ledger.exclusive(path).close()
    assert len(Backups(path).all()) == 1, "nothing pending, no backup"
    Backups(path).request_restore(backup.path)
    with exclusive_ledger(path) as back:
        assert back.stores.named("my-shop") is not None, "a restored older backup is migrated"


def test_first_start_makes_no_backup(ledger: Ledger) -> None:
    assert Backups(ledger.path).all() == []


def test_ledger_is_not_migrated_when_its_backup_fails(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    write_first_ledger(path)
    (tmp_path / "backups").write_text("not a folder")
    with pytest.raises(BackupFailed):
        Ledger.exclusive(path)
    assert summarize(path).schema == "m0001_first_ledger"


def test_failed_migration_changes_nothing_and_names_the_next_step(
    ledger: Ledger, orders: SampleOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders.create("my-shop")
    ledger.close()

    def break_down(db: Database) -> None:
        db.execute("DELETE FROM job_events")
        db.execute("ALTER TABLE nowhere ADD COLUMN x")

    broken = type(migrations)("storewright")
    last = replace(migrations._migrations[0], name="m9999_broken", fn=break_down)
    broken._migrations = [*migrations._migrations, last]
    with monkeypatch.context() as patched:
        patched.setattr("provisioner.ledger.ledger.migrations", broken)
        patched.setattr("provisioner.ledger.schema.migrations", broken)
        with pytest.raises(LedgerNotUsable, match=r"m9999_broken.*Run the former version"):
            Ledger.exclusive(ledger.path)
    with exclusive_ledger(ledger.path) as again:
        job = again.jobs.last(again.stores.all()[0].id)
        assert job is not None
        assert again.jobs.events(job.id), "rolled back"


# --- the ledger of the former version ----------------------------------------------------------------------------


@pytest.fixture
def migrated(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    """FORMER, opened by this version a minute after its last event."""
    clock.now += 100
    path = tmp_path / "former.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(FORMER.read_text())
    with exclusive_ledger(path, clock) as opened:
        yield opened


def test_former_ledger_is_backed_up_then_migrated(migrated: Ledger) -> None:
    [backup] = Backups(migrated.path).all()
    assert backup.path.stem.endswith("-before-m0004-phases-and-facts")
    assert summarize(backup.path).schema == "m0003_chart_versions"
    facts = [(store.name, store.release, store.version, store.options) for store in migrated.stores.all()]
    assert facts == [
        ("old-shop", "old-shop", "0.1.0", {}),
        ("my-shop", "my-shop", "0.1.0", {"currency": "usd"}),
        ("other-shop", "other-shop", "0.1.0", {}),
        ("new-shop", "new-shop", "", {}),
    ]
    gone = migrated.stores.last_deleted("gone-shop")
    assert gone is not None
    assert (gone.deleted_by, gone.release) == ("U1", "gone-shop")
    Ledger.shared(migrated.path).close()


def test_former_rollback_becomes_the_phase_and_problem_of_its_job(migrated: Ledger) -> None:
    jobs = {job_id: migrated.jobs.get(job_id) for job_id in (ROLLING_BACK, GOING_FORWARD, ROLLED_BACK)}
    rolling_back, going_forward, rolled_back = jobs.values()
    assert rolling_back
    assert going_forward
    assert rolled_back
    assert (rolling_back.phase, rolling_back.problem) == (JobPhase.ROLLBACK, PULL_PROBLEM)
    assert (rolling_back.status, rolling_back.interruptions) == (JobStatus.RUNNING, 0)
    assert (going_forward.phase, going_forward.problem) == (JobPhase.FORWARD, None)
    assert rolled_back.phase == JobPhase.ROLLBACK
    assert rolled_back.problem is not None
    assert rolled_back.problem.what == "The migration of old-shop failed."
    events = [event for job_id in jobs for event in migrated.jobs.events(job_id)]
    assert [event.detail for event in events if event.stage == "rollback"] == ["", "", ""], "no JSON for people to read"


def test_former_job_in_its_rollback_continues_the_rollback(
    migrated: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolled_back: list[Problem] = []
    monkeypatch.setattr(upgrade, "_go_forward", lambda *_: pytest.fail("it went forward again"))
    monkeypatch.setattr(upgrade, "roll_back", lambda tools, job, store, problem: rolled_back.append(problem))
    orders = SampleOrders(migrated)
    assert {job.id for job in migrated.jobs.requeue_interrupted()} == {ROLLING_BACK, GOING_FORWARD}
    running = {job.id: job for job in iter(migrated.jobs.claim, None)}[ROLLING_BACK]
    assert running.phase == JobPhase.ROLLBACK
    with pytest.raises(StoreUnchanged) as end:
        upgrade.run(_tools(orders, tmp_path), running)
    assert rolled_back == [end.value.problem] == [PULL_PROBLEM]
    orders.journal.fail(running, end.value.problem, store_unchanged=True)
    assert orders.store("my-shop").status == StoreStatus.READY
    assert orders.retry(running).phase == JobPhase.FORWARD


def _tools(orders: SampleOrders, folder: Path) -> Toolbox:
    kubeconfig = write_kubeconfig(folder / "kubeconfig", "http://127.0.0.1:9")
    return Toolbox(
        defaults=StoreDefaults(),
        ledger=orders.journal,
        cluster=Cluster(kubeconfig),
        helm=Helm(kubeconfig=kubeconfig),
        catalog=repository_catalog(),
    )


def test_former_audit_outcomes_become_words_with_reason_and_job(migrated: Ledger) -> None:
    rows = [(row["outcome"], row["job_id"], row["reason"]) for row in reversed(migrated.audit.rows())]
    assert rows == [
        ("answered", "", ""),
        ("ordered", ROLLING_BACK, ""),
        ("refused", "", "my-shop belongs to U1."),
        ("error", "", "RuntimeError"),
        ("answered", "", "form opened"),
        ("answered", "", ""),
        ("answered", "", "listed 3"),
        ("error", "", "not ordered"),
    ]


def test_former_outbox_keeps_the_events_that_were_posted(migrated: Ledger) -> None:
    posted, tried = (migrated.outbox.get(OutboxKind.STAGES, job) for job in ("000000000003", "000000000006"))
    assert posted
    assert tried
    assert (posted.sent_event, posted.tried_event, posted.remote_id, posted.content_hash) == (3, 3, None, None)
    assert (tried.sent_event, tried.tried_event, tried.address) == (0, 9, "C1")
    summary = migrated.outbox.get(OutboxKind.SUMMARY, "000000000003")
    assert summary
    assert (summary.remote_id, summary.content_hash, summary.sent_event) == ("1.0", "digest", 0)
    home = migrated.outbox.get(OutboxKind.HOME, "U1")
    assert home
    assert (home.remote_id, home.content_hash, home.dead_at) == (None, "digest", None)
    assert migrated.statistics.counts().outbox_due == len(list(migrated.outbox.due())) == 14


def test_migrated_ledger_takes_orders(migrated: Ledger) -> None:
    orders = SampleOrders(migrated)
    made = orders.create("next-shop")
    while job := migrated.jobs.claim():
        orders.journal.succeed(job)
    orders.finished(orders.delete(made))
    assert [event.kind for event in migrated.jobs.events(made.id)] == [EventKind.QUEUED, EventKind.SUCCEEDED]


# --- refusals ----------------------------------------------------------------------------------------------------


def test_ledger_of_a_later_version_is_refused(ledger: Ledger) -> None:
    write_as_later_version(ledger.path)
    ledger.close()
    refusal = r"later version of Storewright \(m9999_later\).*Run that version, or restore a backup"
    for _ in range(3):  # a refused open does not keep the lock
        with pytest.raises(LedgerNotUsable, match=refusal):
            Ledger.exclusive(ledger.path)
    with pytest.raises(LedgerNotUsable, match=refusal):
        Ledger.shared(ledger.path)


def _damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * (path.stat().st_size // 4096 - 1))


@pytest.mark.parametrize("kind", ["pages", "no database"])
def test_damaged_ledger_is_refused_with_the_restore_command(ledger: Ledger, orders: SampleOrders, kind: str) -> None:
    orders.create("my-shop")
    ledger.connection.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ledger.close()
    if kind == "pages":
        _damage(ledger.path)
    else:
        ledger.path.write_bytes(b"not a ledger at all")
    for _ in range(2):
        with pytest.raises(LedgerNotUsable, match=r"can't be read\. .*restore a backup: storewright ledger backups"):
            Ledger.exclusive(ledger.path)
    assert Backups(ledger.path).all() == [], "a damaged ledger is not backed up"


def test_ledger_in_use_is_refused_until_it_is_closed(ledger: Ledger) -> None:
    with pytest.raises(LedgerInUse, match=r"ledger is in use by another process\. .* Stop that bot first"):
        Ledger.exclusive(ledger.path)
    lock_id = ledger.lock_id
    ledger.close()
    with exclusive_ledger(ledger.path) as reopened:
        assert reopened.lock_id == lock_id != ""
        assert reopened.is_exclusive


def test_folder_that_can_not_be_made_is_refused_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerNotUsable, match=r"can't be opened\. .* Check the free space of its volume"):
        Ledger.exclusive(tmp_path / "file" / "ledger.db")


def test_shared_open_of_a_missing_ledger_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerNotUsable, match="There is no ledger at"):
        Ledger.shared(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == [], "none is made"


@pytest.mark.parametrize("exclusive", [True, False], ids=["exclusive", "shared"])
def test_closed_ledger_refuses_every_use(ledger: Ledger, orders: SampleOrders, exclusive: bool) -> None:
    job = orders.create("my-shop")
    closed = ledger if exclusive else Ledger.shared(ledger.path)
    closed.close()
    closed.close()
    uses: list[Any] = [
        closed.stores.all,
        closed.jobs.claim if exclusive else closed.stores.names,
        lambda: closed.jobs.record(job, EventKind.STARTED, "release"),
        lambda: closed.outbox.put(OutboxKind.HOME, "U1"),
        lambda: list(closed.outbox.due()),
        closed.statistics.counts,
        closed.require_writable,
        closed.sweep,
    ]
    for use in uses:
        with pytest.raises(LedgerClosed, match="was closed"):
            use()
