"""Backups of a real ledger: made while it is at work, whole or not there, restored, and always before a migration."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlite_utils import Database

from bot.__main__ import main
from provisioner.domain.job import EventKind, Job, JobStatus
from provisioner.domain.store import Addresses, StoreStatus
from provisioner.ledger import backup as module
from provisioner.ledger.backup import BackupFailed, Backups, BackupUnusable, contents_of, faults_of
from provisioner.ledger.ledger import Ledger, LedgerInUse, LedgerNotUsable, Limits
from provisioner.ledger.schema import migrations
from tests.conftest import ROOT, Clock

LIMITS = Limits(stores_per_person=999, creations_per_hour=999)
ADDRESSES = Addresses("localhost")


def order(ledger: Ledger, name: str) -> Job:
    return ledger.order_create(
        name=name, type="medusa", admin_path="/", owner="U1", origin="C1", delivery_key=name, limits=LIMITS
    )


@pytest.fixture
def backups(ledger: Ledger, clock: Clock) -> Backups:
    return Backups(ledger.path, every=3600, keep=3, clock=clock)


def swap_in(path: Path, backup: Path) -> Ledger:
    """The ledger as it is when the next process has it, after `backup` was restored."""
    Backups(path).offer(backup)
    return Ledger(path, ADDRESSES)


# --- making ------------------------------------------------------------------------------------------------------


def test_the_newest_are_kept_and_one_is_due_when_the_last_is_old(
    ledger: Ledger, backups: Backups, clock: Clock
) -> None:
    order(ledger, "my-shop")
    assert backups.newest() is None
    for _ in range(5):
        assert backups.is_due()
        backups.keep_up()
        assert not backups.is_due()
        clock.now += 3600
    assert len(backups.kept()) == 3
    newest = backups.newest()
    assert newest is not None
    assert newest.made_at == clock.now - 3600
    assert contents_of(newest.path).stores == 1
    assert [p.name for p in backups.folder.iterdir() if p.suffix != ".db"] == [".lock"], "one file each, nothing beside"


def test_backups_of_a_clock_that_went_wrong_do_not_count(ledger: Ledger, backups: Backups, clock: Clock) -> None:
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
    assert [kept.path for kept in backups.kept()][:3] == [kept.path for kept in made[1:]]


def test_a_backup_taken_while_jobs_run_is_one_moment(tmp_path: Path) -> None:
    ledger, stop = Ledger(tmp_path / "ledger.db", ADDRESSES), threading.Event()
    names = iter(range(10**6))
    longest = 0.0

    def work() -> None:
        nonlocal longest
        while not stop.is_set():
            begun = time.monotonic()
            order(ledger, f"shop-{next(names)}")
            if job := ledger.claim_due():
                ledger.record(job, EventKind.STARTED, "release")
                ledger.record(job, EventKind.DONE, "release")
                ledger.succeed(job)
            longest = max(longest, time.monotonic() - begun)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    backups = Backups(ledger.path)
    made = [backups.make(f"n{number}") for number in range(6)]
    stop.set()
    for thread in threads:
        thread.join()
    ledger.close()
    assert longest < 5, "nobody waited for a backup"
    jobs = [contents_of(backup.path).jobs for backup in made]
    assert jobs == sorted(jobs)
    assert jobs[-1] > jobs[0]
    for backup in made:
        assert faults_of(backup.path) == []
        with closing(sqlite3.connect(backup.path)) as db:
            done = set(db.execute("SELECT id FROM jobs WHERE status = 'succeeded'"))
            told = set(db.execute("SELECT job_id FROM job_events WHERE kind = 'succeeded'"))
            assert done == told, "a transition and its event are in it together"


def test_a_backup_that_is_killed_leaves_no_half_behind(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db", ADDRESSES)
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
    seen_half = False
    for attempt in range(12):
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
        time.sleep(0.25 + attempt * 0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        seen_half |= bool(list(backups.folder.glob(".unfinished-*")))
        assert [faults_of(kept.path) for kept in backups.kept()] == [[]] * len(backups.kept())
    assert seen_half, "no kill hit the middle of a backup"
    backups.make()
    assert not list(backups.folder.glob(".unfinished-*"))
    ledger.close()


def test_a_ledger_that_is_broken_makes_no_backup(ledger: Ledger, backups: Backups) -> None:
    order(ledger, "my-shop")
    ledger.close()
    with ledger.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    with pytest.raises((BackupUnusable, BackupFailed)):
        backups.make()
    assert backups.kept() == []


def test_no_room_for_a_backup_is_told(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupFailed, match="Check the volume's room"):
        Backups(ledger.path, tmp_path / "file" / "backups").make()


def test_fewer_backups_make_room_for_the_next(ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        Backups(ledger.path, clock=clock).make()
        clock.now += 1

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_copy", full)
    fewer = Backups(ledger.path, keep=1, clock=clock)
    with pytest.raises(BackupFailed, match="No space left"):
        fewer.make()
    assert len(fewer.kept()) == 1


def test_a_place_that_can_not_be_had_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerNotUsable, match=r"can't be had\. .* Check the volume's room and rights"):
        Ledger(tmp_path / "file" / "ledger.db", ADDRESSES)


# --- restoring ---------------------------------------------------------------------------------------------------


def test_restoring_takes_up_the_jobs_that_were_running_then(ledger: Ledger, backups: Backups, clock: Clock) -> None:
    order(ledger, "my-shop")
    job = ledger.claim_due()
    assert job is not None
    ledger.record(job, EventKind.STARTED, "release")
    then = backups.make()
    ledger.succeed(job)
    order(ledger, "later-shop")
    ledger.close()

    restored = swap_in(ledger.path, then.path)
    assert restored.store("later-shop") is None
    assert [found.id for found in restored.requeue_interrupted()] == [job.id]
    again = restored.claim_due()
    assert again is not None
    restored.record(again, EventKind.STARTED, "release")
    restored.record(again, EventKind.DONE, "release")
    restored.succeed(again)
    assert restored.store("my-shop") is not None
    assert faults_of(restored.path) == []
    restored.close()
    aside = [kept for kept in backups.kept() if "before-restore" in kept.path.name]
    assert [contents_of(kept.path).stores for kept in aside] == [2], "what was there is kept"
    assert not backups.offered.exists()


def test_a_backup_is_taken_only_by_whoever_has_the_ledger_to_itself(ledger: Ledger, backups: Backups) -> None:
    then = backups.make()
    order(ledger, "my-shop")
    backups.offer(then.path)
    beside = Ledger(ledger.path, ADDRESSES, alone=False)
    assert beside.store("my-shop") is not None
    assert backups.offered.exists()
    with pytest.raises(LedgerInUse, match="no job is claimed here"):
        beside.claim_due()
    with pytest.raises(LedgerInUse, match="no job is claimed here"):
        beside.requeue_interrupted()
    beside.close()


def test_a_ledger_that_was_killed_with_news_in_its_wal_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    code = f"""
import os, signal; from pathlib import Path
from tests.integration.test_backups import *
ledger = Ledger(Path({str(path)!r}), ADDRESSES)
Backups(ledger.path).make()
order(ledger, "my-shop")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert path.with_name("ledger.db-wal").stat().st_size > 0
    backups = Backups(path)
    [empty] = backups.kept()
    time.sleep(1)  # names are by the second
    restored = swap_in(path, empty.path)
    assert restored.stores() == []
    restored.close()
    [aside] = [kept for kept in backups.kept() if "before-restore" in kept.path.name]
    assert contents_of(aside.path).stores == 1


@pytest.mark.parametrize("step", ["set aside", "wal removed", "put in place"])
def test_a_restore_that_is_killed_goes_on_at_the_next_start(
    ledger: Ledger, backups: Backups, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = backups.make()
    order(ledger, "my-shop")
    ledger.close()
    backups.offer(then.path)
    real = module._put

    def killed_at(file: Path, place: Path) -> None:
        if place != ledger.path:
            return real(file, place)
        if step == "put in place":
            real(file, place)
        raise KeyboardInterrupt

    def killed_before_unlink(path: Path, **_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(module, "_put", killed_at)
        if step == "set aside":
            dying.setattr(Path, "unlink", killed_before_unlink)
        with pytest.raises(KeyboardInterrupt):
            Ledger(ledger.path, ADDRESSES)
    restored = Ledger(ledger.path, ADDRESSES)
    assert restored.stores() == []
    assert faults_of(restored.path) == []
    restored.close()
    kept = [contents_of(found.path).stores for found in backups.kept() if "before-restore" in found.path.name]
    assert 1 in kept, "what was there before the restore is kept"


def test_a_broken_ledger_gives_way_and_is_kept_as_it_is(ledger: Ledger, backups: Backups) -> None:
    order(ledger, "my-shop")
    good = backups.make()
    ledger.close()
    broken = b"not a ledger at all"
    ledger.path.write_bytes(broken)
    with pytest.raises(LedgerNotUsable, match="storewright ledger restore"):
        Ledger(ledger.path, ADDRESSES)
    restored = swap_in(ledger.path, good.path)
    assert restored.store("my-shop") is not None
    restored.close()
    [kept] = backups.folder.glob("broken-*.db")
    assert kept.read_bytes() == broken


def test_what_is_no_ledger_is_not_restored(ledger: Ledger, backups: Backups, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as db, db:
        db.execute("CREATE TABLE stores (id)")
    for file in (tmp_path / "other.db", tmp_path / "none.db"):
        with pytest.raises(BackupUnusable):
            backups.offer(file)
    assert not backups.offered.exists()


def test_what_a_later_version_wrote_is_not_restored(ledger: Ledger, backups: Backups) -> None:
    later = backups.make()
    _write_as_later_version(later.path)
    with pytest.raises(BackupUnusable, match=r"by a later version of Storewright \(m9999_later\)"):
        backups.offer(later.path)
    assert not backups.offered.exists()


def _write_as_later_version(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        later = (
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('storewright', 'm9999_later', '')"
        )
        db.execute(later)


# --- migrations --------------------------------------------------------------------------------------------------


def older_ledger(path: Path) -> None:
    """A ledger as the first version wrote it, with a store in it."""
    with closing(sqlite3.connect(path)) as connection:
        migrations.apply(Database(connection), stop_before="m0002_chosen_options")
        with connection:
            connection.execute(
                """INSERT INTO stores VALUES
                   ('1', 'my-shop', 'medusa', 'ready', 'U1', 'C1', 'store-my-shop', 'url', 'admin', 1, 2, NULL, NULL)"""
            )


def test_a_migration_comes_after_a_backup(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    older_ledger(path)
    with pytest.raises(LedgerNotUsable, match="m0002_chosen_options"):
        Ledger(path, ADDRESSES, alone=False)
    ledger = Ledger(path, ADDRESSES)
    store = ledger.store("my-shop")
    assert store is not None
    assert (store.status, store.options) == (StoreStatus.READY, {})
    ledger.close()
    [backup] = Backups(path).kept()
    assert backup.path.stem.endswith("-before-m0002-chosen-options")
    assert contents_of(backup.path).schema == "m0001_first_ledger"
    Ledger(path, ADDRESSES).close()
    assert len(Backups(path).kept()) == 1, "nothing pending, no backup"
    back = swap_in(path, backup.path)
    assert back.store("my-shop") is not None, "an older backup is brought up to date as it is restored"
    back.close()


def test_a_first_start_makes_no_backup(ledger: Ledger) -> None:
    assert Backups(ledger.path).kept() == []


def test_without_a_backup_nothing_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    older_ledger(path)
    (tmp_path / "backups").write_text("in the way")
    with pytest.raises(BackupFailed):
        Ledger(path, ADDRESSES)
    assert contents_of(path).schema == "m0001_first_ledger"


def test_a_migration_that_fails_changes_nothing_and_says_what_to_do(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(ledger, "my-shop")
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
            Ledger(ledger.path, ADDRESSES)
    again = Ledger(ledger.path, ADDRESSES)
    job = again.last_job(again.stores()[0].id)
    assert job is not None
    assert again.events(job.id), "rolled back"
    again.close()


def test_a_ledger_of_a_later_version_is_left_alone(ledger: Ledger) -> None:
    _write_as_later_version(ledger.path)
    ledger.close()
    with pytest.raises(LedgerNotUsable, match=r"later version of Storewright \(m9999_later\)"):
        Ledger(ledger.path, ADDRESSES)
    for _ in range(2):
        with pytest.raises(LedgerNotUsable):
            Ledger(ledger.path, ADDRESSES)  # and does not keep it locked


# --- from the terminal -------------------------------------------------------------------------------------------


@pytest.fixture
def type_(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Type `storewright ledger …` beside a bot that has the ledger; its output, and 'exit N' unless 0."""
    monkeypatch.setenv("LEDGER_PATH", str(ledger.path))

    def run(*words: str) -> str:
        done = CliRunner().invoke(main, ["ledger", *words])
        return done.output + (f"exit {done.exit_code}" if done.exit_code else "")

    return run


def test_an_operator_backs_up_checks_and_restores(ledger: Ledger, type_: Callable[..., str]) -> None:
    assert "There are none" in type_("backups")
    order(ledger, "my-shop")
    assert "✓" in type_("backup")
    [kept] = Backups(ledger.path).kept()
    assert kept.path.name in type_("backups")
    assert "is sound: 1 stores, 1 jobs (1 live)" in type_("check")
    assert "is sound: 1 stores" in type_("check", kept.path.name)
    order(ledger, "other-shop")
    assert "Aborted" in type_("restore", kept.path.name)
    assert "1 jobs (1 live)" in type_("restore", kept.path.name, "--yes")
    assert type_("restore", "--cancel") == "It is not taken.\n"
    assert type_("restore", "--cancel") == "There is none to be taken.\n"
    assert "else at the next start" in type_("restore", kept.path.name, "--yes")
    ledger.close()
    restored = Ledger(ledger.path, ADDRESSES)
    assert [store.name for store in restored.stores()] == ["my-shop"]
    assert all(job.status == JobStatus.QUEUED for job in [restored.last_job(restored.stores()[0].id)] if job)
    restored.close()


def test_a_backup_goes_to_another_place_and_comes_back(ledger: Ledger, tmp_path: Path) -> None:
    order(ledger, "my-shop")

    def run(*words: str, given: bytes = b"") -> bytes:
        env = {"LEDGER_PATH": str(ledger.path), "PATH": os.environ["PATH"]}
        command = [sys.executable, "-m", "bot", "ledger", *words]
        done = subprocess.run(command, input=given, env=env, capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else done.stderr

    away = tmp_path / "away.db"
    away.write_bytes(run("backup", "--stdout"))
    assert contents_of(away).stores == 1
    for kept in Backups(ledger.path).kept():
        kept.path.unlink()
    assert b"nobody to ask" in run("restore", "-", given=away.read_bytes())
    assert b"not a sound ledger" in run("restore", "-", "--yes", given=b"odd")
    assert not Backups(ledger.path).offered.exists()
    order(ledger, "other-shop")
    assert b"1 stores, 1 jobs" in run("restore", "-", "--yes", given=away.read_bytes())
    ledger.close()
    restored = Ledger(ledger.path, ADDRESSES)
    assert [store.name for store in restored.stores()] == ["my-shop"]
    restored.close()


def test_an_operator_is_told_what_is_wrong(ledger: Ledger, type_: Callable[..., str]) -> None:
    assert type_("check", "nowhere.db").endswith("exit 1")
    assert "storewright ledger backups" in type_("restore", "nowhere.db", "--yes")
    (ledger.path.parent / "odd.db").write_text("odd")
    told = type_("check", str(ledger.path.parent / "odd.db"))
    assert "file is not a database" in told
    assert os.linesep not in told.split("✗")[1].strip().replace("exit 1", "").strip()
