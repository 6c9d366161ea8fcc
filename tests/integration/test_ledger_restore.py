"""Restores of a backup: the next exclusive open makes them, even after crashes, and keeps the former ledger."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from provisioner.domain.job import EventKind
from provisioner.ledger import backup as module
from provisioner.ledger.backup import Backups, BackupUnusable, find_damage, summarize
from provisioner.ledger.ledger import Ledger, LedgerNotUsable
from tests.conftest import ROOT, Clock
from tests.ledgers import SampleOrders, exclusive_ledger, write_as_later_version


@pytest.fixture
def backups(ledger: Ledger, clock: Clock) -> Backups:
    return Backups(ledger.path, interval_seconds=3600, keep=3, clock=clock)


@contextmanager
def restored_from(path: Path, backup: Path) -> Iterator[Ledger]:
    """The ledger that the next process opens, after a request to restore `backup`."""
    Backups(path).request_restore(backup)
    with exclusive_ledger(path) as opened:
        yield opened


def test_restore_queues_the_jobs_that_ran_at_the_time_of_the_backup(
    ledger: Ledger, orders: SampleOrders, backups: Backups
) -> None:
    job = orders.claimed(orders.create("my-shop"))
    ledger.jobs.record(job, EventKind.STARTED, "release")
    backup = backups.make()
    orders.journal.succeed(job)
    orders.create("later-shop")
    ledger.close()

    with restored_from(ledger.path, backup.path) as restored:
        assert restored.stores.named("later-shop") is None
        assert [found.id for found in restored.jobs.requeue_interrupted()] == [job.id]
        again = SampleOrders(restored)
        running = again.claimed()
        restored.jobs.record(running, EventKind.STARTED, "release")
        restored.jobs.record(running, EventKind.DONE, "release")
        again.journal.succeed(running)
        assert restored.stores.named("my-shop") is not None
        assert find_damage(restored.path) == []
    former = [kept for kept in backups.all() if "before-restore" in kept.path.name]
    assert [summarize(kept.path).stores for kept in former] == [2], "the former ledger is kept"
    assert not backups.pending_restore.exists()


def test_shared_open_restores_no_backup(ledger: Ledger, orders: SampleOrders, backups: Backups) -> None:
    backup = backups.make()
    orders.create("my-shop")
    backups.request_restore(backup.path)
    shared = Ledger.shared(ledger.path)
    assert shared.stores.named("my-shop") is not None
    assert backups.pending_restore.exists()
    shared.close()


def test_former_ledger_is_kept_with_the_changes_in_its_wal(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    code = f"""
import os, signal
from pathlib import Path
from provisioner.ledger.backup import Backups
from provisioner.ledger.ledger import Ledger
from tests.ledgers import SampleOrders
ledger = Ledger.exclusive(Path({str(path)!r}))
Backups(ledger.path).make()
SampleOrders(ledger).create("my-shop")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert path.with_name("ledger.db-wal").stat().st_size > 0
    backups = Backups(path)
    [empty] = backups.all()
    time.sleep(1)  # the names of backups have whole seconds
    with restored_from(path, empty.path) as restored:
        assert restored.stores.all() == []
    [former] = [kept for kept in backups.all() if "before-restore" in kept.path.name]
    assert summarize(former.path).stores == 1


@pytest.mark.parametrize("step", ["set aside", "wal removed", "put in place"])
def test_killed_restore_continues_at_the_next_start(
    ledger: Ledger, orders: SampleOrders, backups: Backups, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = backups.make()
    orders.create("my-shop")
    ledger.close()
    backups.request_restore(backup.path)
    real = module._rename_durably

    def killed_at(file: Path, place: Path) -> None:
        if place != ledger.path:
            return real(file, place)
        if step == "put in place":
            real(file, place)
        raise KeyboardInterrupt

    def killed_before_unlink(path: Path, **_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "_rename_durably", killed_at)
        if step == "set aside":
            patched.setattr(Path, "unlink", killed_before_unlink)
        with pytest.raises(KeyboardInterrupt):
            Ledger.exclusive(ledger.path)
    with exclusive_ledger(ledger.path) as restored:
        assert restored.stores.all() == []
        assert find_damage(restored.path) == []
    kept = [summarize(found.path).stores for found in backups.all() if "before-restore" in found.path.name]
    assert 1 in kept, "the former ledger is kept"


def test_damaged_ledger_is_replaced_and_kept_as_it_is(ledger: Ledger, orders: SampleOrders, backups: Backups) -> None:
    orders.create("my-shop")
    backup = backups.make()
    ledger.close()
    damaged = b"not a ledger at all"
    ledger.path.write_bytes(damaged)
    with pytest.raises(LedgerNotUsable, match="storewright ledger restore"):
        Ledger.exclusive(ledger.path)
    with restored_from(ledger.path, backup.path) as restored:
        assert restored.stores.named("my-shop") is not None
    [kept] = backups.folder.glob("broken-*.db")
    assert kept.read_bytes() == damaged


def test_file_that_is_no_ledger_is_not_restored(backups: Backups, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as db, db:
        db.execute("CREATE TABLE stores (id)")
    for file in (tmp_path / "other.db", tmp_path / "none.db"):
        with pytest.raises(BackupUnusable):
            backups.request_restore(file)
    assert not backups.pending_restore.exists()


def test_backup_of_a_later_version_is_not_restored(backups: Backups) -> None:
    later = backups.make()
    write_as_later_version(later.path)
    with pytest.raises(BackupUnusable, match=r"by a later version of Storewright \(m9999_later\)"):
        backups.request_restore(later.path)
    assert not backups.pending_restore.exists()
