"""A bot that stops while jobs run ends within seconds, and so does its helm; the next bot goes on with the jobs."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import psutil

from dev.cluster import Cluster
from dev.stack import ROOT, Stack, job_of
from tests.e2e.sample_type import SampleType, load_image
from tests.waiting import until

STOP_SECONDS = 5.0  # at most; a pod has terminationGracePeriodSeconds, 60 in our chart


def test_stopping_bot_hands_its_jobs_over_and_ends_helm(
    stack: Callable[..., Stack], cluster: Cluster, tmp_path: Path
) -> None:
    load_image(cluster, tmp_path)
    (tmp_path / "charts").mkdir()
    SampleType(tmp_path / "charts")
    slow = tmp_path / "helm"  # installs, and then does not return, as with a slow hook of a chart
    slow.write_text(f'#!/bin/sh\n{ROOT}/build/tools/bin/helm "$@" || exit\n[ "$1" != upgrade ] || exec sleep 100\n')
    slow.chmod(0o755)
    bot = stack(CHARTS_DIR=str(tmp_path / "charts"), HELM=str(slow))
    slack = bot.slack()
    for name in ("stopped-first", "stopped-second"):
        assert slack.command("Dana", "#stores", f"/store create {name} leaflet").ok
    process = bot.bot_process.process()
    assert process is not None
    helms = until("both helms run", lambda: found if len(found := _asleep(process)) == 2 else [], 30)

    began = time.monotonic()
    process.terminate()
    process.wait(STOP_SECONDS)
    print(f"gone after {time.monotonic() - began:.2f} s")
    log = bot.bot_process.log.read_text()
    assert '"message": "stopped"' in log
    assert '"jobs_still_running": 0' in log, "no job was left in a call that hangs"
    assert not any(helm.is_running() and helm.status() != psutil.STATUS_ZOMBIE for helm in helms)
    with closing(sqlite3.connect(bot.folder / "ledger.db")) as ledger:
        assert ledger.execute("SELECT status, attempts FROM jobs").fetchall() == [("queued", 1)] * 2

    bot.settings["HELM"] = str(ROOT / "build/tools/bin/helm")
    bot.start_bot()
    slack.wait_for(lambda: [job_of(m)["status"] for m in slack.messages("#stores")] == ["succeeded"] * 2 or None, 60)
    assert len(slack.messages("#stores")) == 2, "one root message each"


def _asleep(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children(recursive=True) if _name(child) == "sleep"]


def _name(process: psutil.Process) -> str:
    """The name of a process; '' if it has ended."""
    with suppress(psutil.NoSuchProcess):
        return process.name()
    return ""
