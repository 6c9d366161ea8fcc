"""The documented commands restore a ledger that can't be opened, in a pod without a shell."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from dev.cluster import Cluster
from dev.stack import ROOT, kubectl
from tests.e2e.bot_release import BotRelease, bot_release
from tests.waiting import until

WRITE_LATER_MIGRATION = """
import sqlite3
with sqlite3.connect("/data/ledger.db", timeout=30) as ledger:
    columns = "migration_set, name, applied_at"
    ledger.execute(f"INSERT INTO _sqlite_migrations ({columns}) VALUES ('storewright', 'm9999', '')")
"""


def test_backup_from_stdin_is_restored_without_a_restart(cluster: Cluster, tmp_path: Path) -> None:
    with bot_release(cluster, tmp_path, "socket") as bot:
        bot.upgrade("socket")
        backup = _exec(bot, "storewright", "ledger", "backup", "--stdout")
        assert backup.startswith(b"SQLite format 3")
        _exec(bot, "python3", "-c", WRITE_LATER_MIGRATION)
        former = _pod(bot)["metadata"]["name"]
        kubectl(cluster, "delete", "pod", former, f"--namespace={bot.name}")
        until("the bot to wait", lambda: "was written by a later version" in _log(bot, former), 60)
        assert not _container(bot)["ready"]

        output = _exec(bot, "storewright", "ledger", "restore", "-", "--yes", stdin=backup)
        assert "or at once if it waits for an intact ledger" in output.decode()
        until("the bot to start", lambda: _container(bot)["ready"], 60)
        assert _container(bot)["restartCount"] == 0
        bot.await_slack()


def _exec(bot: BotRelease, *command: str, stdin: bytes | None = None) -> bytes:
    arguments = ["exec", "-i", f"deployment/{bot.name}", f"--namespace={bot.name}", "--", *command]
    program = [str(ROOT / "build/tools/bin/kubectl"), f"--kubeconfig={bot.cluster.kubeconfig}", *arguments]
    done = subprocess.run(program, input=stdin or b"", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _pod(bot: BotRelease) -> Any:
    selector = (f"--namespace={bot.name}", "-l", "app.kubernetes.io/component=bot", "-o", "json")
    [pod] = json.loads(kubectl(bot.cluster, "get", "pods", *selector))["items"]
    return pod


def _container(bot: BotRelease) -> Any:
    [container] = _pod(bot)["status"]["containerStatuses"]
    return container


def _log(bot: BotRelease, former: str) -> str:
    """The log of the pod that replaced `former`, or ''."""
    return bot.log() if _pod(bot)["metadata"]["name"] != former else ""
