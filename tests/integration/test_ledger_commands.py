"""`storewright ledger …` while a bot has the ledger open."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from provisioner.domain.job import JobStatus
from provisioner.ledger.backup import Backups, summarize
from provisioner.ledger.ledger import Ledger
from tests.ledgers import SampleOrders, exclusive_ledger


@pytest.fixture
def run_ledger(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs `storewright ledger …`; returns its output, and 'exit N' if the exit status N is not 0."""
    monkeypatch.setenv("LEDGER_PATH", str(ledger.path))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, ["ledger", *arguments])
        return done.output + (f"exit {done.exit_code}" if done.exit_code else "")

    return run


def test_operator_backs_up_checks_and_restores(
    ledger: Ledger, orders: SampleOrders, run_ledger: Callable[..., str]
) -> None:
    assert "There are no backups" in run_ledger("backups")
    orders.create("my-shop")
    assert "✓" in run_ledger("backup")
    [kept] = Backups(ledger.path).all()
    assert kept.path.name in run_ledger("backups")
    assert "is intact: 1 stores, 1 jobs (1 unfinished)" in run_ledger("check")
    assert "is intact: 1 stores" in run_ledger("check", kept.path.name)
    orders.create("other-shop")
    assert "Aborted" in run_ledger("restore", kept.path.name)
    assert "1 jobs (1 unfinished)" in run_ledger("restore", kept.path.name, "--yes")
    assert run_ledger("restore", "--cancel") == "Restore cancelled.\n"
    assert run_ledger("restore", "--cancel") == "There is no restore to cancel.\n"
    assert "restores it at its next start" in run_ledger("restore", kept.path.name, "--yes")
    ledger.close()
    with exclusive_ledger(ledger.path) as restored:
        [store] = restored.stores.all()
        last = restored.jobs.last(store.id)
        assert store.name == "my-shop"
        assert last is not None
        assert last.status == JobStatus.QUEUED


def test_backup_is_written_to_stdout_and_restored_from_stdin(
    ledger: Ledger, orders: SampleOrders, tmp_path: Path
) -> None:
    orders.create("my-shop")

    def run(*arguments: str, stdin: bytes = b"") -> bytes:
        env = {"LEDGER_PATH": str(ledger.path), "PATH": os.environ["PATH"]}
        command = [sys.executable, "-m", "bot", "ledger", *arguments]
        done = subprocess.run(command, input=stdin, env=env, capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else done.stderr

    away = tmp_path / "away.db"
    away.write_bytes(run("backup", "--stdout"))
    assert summarize(away).stores == 1
    for kept in Backups(ledger.path).all():
        kept.path.unlink()
    assert b"can't ask for confirmation" in run("restore", "-", stdin=away.read_bytes())
    assert b"not an intact ledger" in run("restore", "-", "--yes", stdin=b"odd")
    assert not Backups(ledger.path).pending_restore.exists()
    orders.create("other-shop")
    assert b"1 stores, 1 jobs" in run("restore", "-", "--yes", stdin=away.read_bytes())
    ledger.close()
    with exclusive_ledger(ledger.path) as restored:
        assert [store.name for store in restored.stores.all()] == ["my-shop"]


def test_check_and_restore_name_the_fault_and_the_next_step(ledger: Ledger, run_ledger: Callable[..., str]) -> None:
    assert run_ledger("check", "nowhere.db").endswith("exit 1")
    assert "storewright ledger backups" in run_ledger("restore", "nowhere.db", "--yes")
    (ledger.path.parent / "odd.db").write_text("odd")
    output = run_ledger("check", str(ledger.path.parent / "odd.db"))
    assert "file is not a database" in output
    assert os.linesep not in output.split("✗")[1].strip().replace("exit 1", "").strip()
