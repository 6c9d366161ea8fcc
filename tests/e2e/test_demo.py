"""`make demo` as a newcomer meets it, on a cluster of its own: up, up again, and down with nothing left."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from dev import cluster as clusters
from dev.background import Background
from dev.stack import ROOT

NAME = "demo-test"
FOLDER = ROOT / f"build/demo-{NAME}"


def demo(verb: str) -> str:
    command = [sys.executable, "-m", "dev.demo", verb, "--name", NAME]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def _gone() -> Iterator[None]:
    yield
    subprocess.run([sys.executable, "-m", "dev.demo", "down", "--name", NAME], cwd=ROOT, check=False)


@pytest.mark.usefixtures("_gone")
def test_demo_up_twice_and_down() -> None:
    told = demo("up")
    for words in ("/store create my-shop medusa", "Chart installed", "Ready."):
        assert words in told
    result = json.loads((FOLDER / "demo.json").read_text())
    assert set(result) == {"workspace_url", "store_url", "admin_url", "seconds_to_ready"}
    assert all(url in told for url in (result["workspace_url"], result["store_url"], result["admin_url"]))
    assert 0 < result["seconds_to_ready"] < 120
    assert httpx.get(result["workspace_url"], trust_env=False).status_code == 200
    assert _shop_answers(result["store_url"])

    begun = time.monotonic()
    again = demo("up")
    assert "/store create" not in again, "it finds what is there"
    assert json.loads((FOLDER / "demo.json").read_text()) == result
    assert time.monotonic() - begun < 15

    _reboot()
    assert "/store create" not in demo("up"), "and waits for what a reboot brings back"
    assert json.loads((FOLDER / "demo.json").read_text()) == result
    _a_refusal_is_the_cause()

    processes = [int((FOLDER / f"{name}.pid").read_text().split()[0]) for name in ("bot", "slack")]
    demo("down")
    assert not any(psutil.pid_exists(pid) for pid in processes)
    assert clusters.find(NAME) is None
    assert not FOLDER.exists()


def _reboot() -> None:
    """What a loss of power leaves: no process of the cluster, the bot or Slack."""
    clusters.kill(NAME)
    for name in ("bot", "slack"):
        if process := Background(name, FOLDER).process():
            process.kill()


def _a_refusal_is_the_cause() -> None:
    """An order that is refused ends the demo with the bot's words and a status of 1."""
    (FOLDER / "demo.json").unlink()
    command = [sys.executable, "-m", "dev.demo", "up", "--name", NAME]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "There is a store called my-shop already" in refused.stdout


def _shop_answers(url: str) -> bool:
    cluster = clusters.find(NAME)
    assert cluster is not None
    answer = cluster.get(httpx.URL(url).host)
    return answer.status_code == 200 and "€" in answer.text
