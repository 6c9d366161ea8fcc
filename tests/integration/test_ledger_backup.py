"""Backups of a real ledger: made while jobs run, complete or absent, and only the newest kept."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from provisioner.domain.job import EventKind
from provisioner.ledger import backup as module
from provisioner.ledger.backup import BackupFailed, Backups, BackupUnusable, find_damage, summarize
from provisioner.ledger.ledger import Ledger
from tests.conftest import ROOT, Clock
from tests.ledgers import SampleOrders, exclusive_ledger
from tests.waiting import until


@pytest.fixture
def backups(ledger: Ledger, clock: Clock) -> Backups:
    return Backups(ledger.path, interval_seconds=3600, keep=3, clock=clock)


def test_newest_backups_are_kept_and_the_next_is_due_after_the_interval(
    orders: SampleOrders, backups: Backups, clock: Clock
) -> None:
    orders.create()
    assert backups.newest() is None
    for _ in range(5):
        assert backups.is_due()
        backups.make_if_due()
        assert not backups.is_due()
        clock.now += 3600
    assert len(backups.all()) == 3
    newest = backups.newest()
    assert newest is not None
    assert newest.made_at == clock.now - 3600
    assert summarize(newest.path).stores == 1
    assert [path.name for path in backups.folder.iterdir() if path.suffix != ".db"] == [".lock"], "one file each"


def test_backups_with_times_in_the_future_do_not_count(backups: Backups, clock: Clock) -> None:
    clock.now += 86_400
    for _ in range(3):
        backups.make()
        clock.now += 1
    clock.now -= 86_400
    assert backups.newest() is None
    made = []
    for _ in range(4):
        assert backups.is_due()
        made.append(backups.make())
        assert not backups.is_due()
        assert backups.newest() == made[-1]
        clock.now += 3600
    assert [kept.path for kept in backups.all()][:3] == [kept.path for kept in made[1:]]


def test_backup_made_while_jobs_run_is_consistent_and_blocks_no_writer(tmp_path: Path) -> None:
    with exclusive_ledger(tmp_path / "ledger.db") as ledger:
        orders, stop = SampleOrders(ledger), threading.Event()
        names = iter(range(10**6))
        longest = 0.0

        def work() -> None:
            nonlocal longest
            while not stop.is_set():
                began = time.monotonic()
                orders.create(f"shop-{next(names)}")
                if job := ledger.jobs.claim():
                    ledger.jobs.record(job, EventKind.STARTED, "release")
                    ledger.jobs.record(job, EventKind.DONE, "release")
                    orders.journal.succeed(job)
                longest = max(longest, time.monotonic() - began)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        backups = Backups(ledger.path)
        made = [backups.make(f"n{number}") for number in range(6)]
        stop.set()
        for thread in threads:
            thread.join()
    assert longest < 5, "no writer waited for a backup"
    jobs = [summarize(backup.path).jobs for backup in made]
    assert jobs == sorted(jobs)
    assert jobs[-1] > jobs[0]
    for backup in made:
        assert find_damage(backup.path) == []
        with closing(sqlite3.connect(backup.path)) as db:
            done = set(db.execute("SELECT id FROM jobs WHERE status = 'succeeded'"))
            recorded = set(db.execute("SELECT job_id FROM job_events WHERE kind = 'succeeded'"))
            assert done == recorded, "a transition and its event are in it together"


def test_killed_backup_leaves_no_partial_file_under_a_final_name(tmp_path: Path) -> None:
    with exclusive_ledger(tmp_path / "ledger.db") as ledger:
        with closing(sqlite3.connect(ledger.path)) as db, db:
            row = "INSERT INTO deliveries VALUES (?, 0)"
            db.executemany(row, ((f"{number}{'x' * 3000}",) for number in range(20_000)))
        backups = Backups(ledger.path)
        code = f"""
from pathlib import Path
from provisioner.ledger.backup import Backups
while True:
    Backups(Path({str(ledger.path)!r})).make()
"""
        seen_partial = False
        for attempt in range(12):
            left = _partial_files_except(set(), backups.folder)
            process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
            until("a backup to begin", partial(_partial_files_except, left, backups.folder))
            time.sleep(attempt * 0.05)
            process.send_signal(signal.SIGKILL)
            process.wait()
            seen_partial |= bool(list(backups.folder.glob(".unfinished-*")))
            assert [find_damage(kept.path) for kept in backups.all()] == [[]] * len(backups.all())
        assert seen_partial, "no kill hit the middle of a backup"
        backups.make()
        assert not list(backups.folder.glob(".unfinished-*"))


def _partial_files_except(left: set[Path], folder: Path) -> set[Path]:
    return set(folder.glob(".unfinished-*")) - left


def test_damaged_ledger_makes_no_backup(ledger: Ledger, orders: SampleOrders, backups: Backups) -> None:
    orders.create()
    ledger.close()
    with ledger.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    with pytest.raises((BackupUnusable, BackupFailed)):
        backups.make()
    assert backups.all() == []


def test_backup_to_an_unwritable_folder_names_the_next_step(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupFailed, match="Check the free space of the volume"):
        Backups(ledger.path, tmp_path / "file" / "backups").make()


def test_lower_keep_frees_space_before_the_next_backup(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        Backups(ledger.path, clock=clock).make()
        clock.now += 1

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_copy", full)
    fewer = Backups(ledger.path, keep=1, clock=clock)
    with pytest.raises(BackupFailed, match="No space left"):
        fewer.make()
    assert len(fewer.all()) == 1
