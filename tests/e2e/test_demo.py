"""`make demo` and `make demo-down`, on a cluster of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import httpx
import psutil
import pytest

from dev import cluster as clusters
from dev import local_http
from dev.background import BackgroundProcess
from dev.stack import ROOT

NAME = "demo-test"
FOLDER = ROOT / f"build/demo-{NAME}"


def run_demo(verb: str) -> str:
    command = [sys.executable, "-m", "dev.demo", verb, "--name", NAME]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def _removed() -> Iterator[None]:
    yield
    subprocess.run([sys.executable, "-m", "dev.demo", "down", "--name", NAME], cwd=ROOT, check=False)


@pytest.mark.usefixtures("_removed")
def test_demo_keeps_its_store_until_down_removes_everything() -> None:
    output = run_demo("up")
    for text in ("/store create my-shop medusa", "Chart installed", "Ready."):
        assert text in output
    result = json.loads((FOLDER / "demo.json").read_text())
    assert set(result) == {"workspace_url", "store_url", "admin_url", "seconds_to_ready"}
    assert all(url in output for url in (result["workspace_url"], result["store_url"], result["admin_url"]))
    assert 0 < result["seconds_to_ready"] < 120
    assert local_http.get(result["workspace_url"]).status_code == 200
    assert _store_answers(result["store_url"])

    assert "/store create" not in run_demo("up"), "the second up orders no store"
    assert json.loads((FOLDER / "demo.json").read_text()) == result

    _reboot()
    assert "/store create" not in run_demo("up"), "up after a reboot waits for the store"
    assert json.loads((FOLDER / "demo.json").read_text()) == result
    _check_that_a_refused_order_fails()

    processes = [int((FOLDER / f"{name}.pid").read_text().split()[0]) for name in ("bot", "slack")]
    run_demo("down")
    assert not any(psutil.pid_exists(pid) for pid in processes)
    assert clusters.find(NAME) is None
    assert not FOLDER.exists()


def _reboot() -> None:
    """Kill all processes of the cluster, the bot and the local Slack."""
    clusters.kill(NAME)
    for name in ("bot", "slack"):
        if process := BackgroundProcess(name, FOLDER).process():
            process.kill()


def _check_that_a_refused_order_fails() -> None:
    """A refused order ends the demo with the bot's answer."""
    (FOLDER / "demo.json").unlink()
    command = [sys.executable, "-m", "dev.demo", "up", "--name", NAME]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "There is already a store called my-shop" in refused.stdout


def _store_answers(url: str) -> bool:
    cluster = clusters.find(NAME)
    assert cluster is not None
    answer = cluster.get(httpx.URL(url).host)
    return answer.status_code == 200 and "€" in answer.text
