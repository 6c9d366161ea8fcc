"""Two bots of one instance on a real cluster: one works, the other waits, says so, and takes over."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from dev import local_http
from dev.background import BackgroundProcess
from dev.cluster import Cluster
from dev.slack import LocalSlackClient
from dev.stack import Stack, free_port, newest_root, remove_stores
from tests.e2e.sample_type import SampleType, load_image
from tests.workers import PORT_OFFSET

LEASE_SECONDS = 20.0  # after which a lease that is not renewed is free
START_SECONDS = 60.0  # for a process to start, on a busy machine too


class Bots:
    """One Slack and its bot; and a second bot of the same instance, with a ledger of its own."""

    def __init__(self, first: Stack) -> None:
        self.first = first
        self.url = f"http://127.0.0.1:{free_port(3100 + PORT_OFFSET)}"
        self.second = BackgroundProcess("second", first.folder / "second")
        self.slack: LocalSlackClient = first.slack()

    def start_second(self) -> None:
        settings = {
            "LISTEN": self.url.removeprefix("http://"),
            "PUBLIC_URL": self.url,
            "WAKER_ADDRESS": f"127.0.0.1:{free_port(8190 + PORT_OFFSET)}",
            "LEDGER_PATH": str(self.first.folder / "second/ledger.db"),
        }
        self.second.start([sys.executable, "-m", "bot", "run"], self.first.bot_environment() | settings)

    def readyz(self, url: str = "") -> dict[str, str]:
        """The second bot's readiness; empty while it does not listen."""
        try:
            answer = local_http.get(f"{url or self.url}/readyz", timeout=10)
        except httpx.HTTPError:
            return {}
        states: dict[str, str] = answer.json()
        assert (answer.status_code == 200) == all(state == "ok" for state in states.values())
        return states

    def second_waits(self) -> None:
        states = self.slack.wait_for(self.readyz, START_SECONDS, "the second bot's readiness")
        assert list(states) == ["lease"]
        assert "Another bot (" in states["lease"]
        assert "This bot waits until that bot has stopped." in states["lease"]
        assert local_http.get(f"{self.url}/healthz").status_code == 200
        assert local_http.post(f"{self.url}/slack/events").status_code == 404

    def second_works(self, within: float) -> float:
        """Wait until the second bot works; the seconds that took."""
        began = time.monotonic()
        self.slack.wait_for(lambda: self.readyz().get("lease") == "ok", within, "the second bot's turn")
        return time.monotonic() - began


@pytest.fixture(scope="module")
def first(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A local Slack and its bot, which is not started yet."""
    folder = tmp_path_factory.mktemp("lease")
    load_image(cluster, folder)
    (folder / "charts").mkdir()
    SampleType(folder / "charts")
    made = Stack(folder / "stack", cluster, {"CHARTS_DIR": str(folder / "charts")}, PORT_OFFSET)
    yield made
    made.stop()
    remove_stores(cluster, made.folder, "--wait=false")


@pytest.fixture
def bots(first: Stack) -> Iterator[Bots]:
    """The first bot works, also if the former test ended it; the second one is not started."""
    first.start()
    opened = Bots(first)
    opened.slack.connect_bot(first.bot_url)
    yield opened
    opened.second.stop()


def process_of(bot: BackgroundProcess) -> psutil.Process:
    process = bot.process()
    assert process is not None
    return process


def made(slack: LocalSlackClient, store: str) -> dict[str, Any] | None:
    return newest_root(slack.messages("#stores"), store=store, status="succeeded")


def test_second_bot_waits_and_works_at_once_when_the_first_stops(bots: Bots) -> None:
    bots.start_second()
    bots.second_waits()
    assert bots.slack.command("Dana", "#stores", "/store create early-shop leaflet").ok
    bots.slack.wait_for(lambda: made(bots.slack, "early-shop"), 60, "the first bot's work")
    assert (bots.first.folder / "second/ledger.db").exists()

    process_of(bots.first.bot_process).terminate()
    assert bots.second_works(START_SECONDS) < LEASE_SECONDS - 5, "the first bot released it"
    bots.slack.connect_bot(bots.url)
    assert bots.slack.command("Dana", "#stores", "/store status early-shop").ok, "it adopted the store from the cluster"
    assert bots.slack.command("Dana", "#stores", "/store create later-shop leaflet").ok
    bots.slack.wait_for(lambda: made(bots.slack, "later-shop"), 60, "the second bot's work")


def test_second_bot_works_after_the_lease_of_a_killed_bot_expires(bots: Bots) -> None:
    bots.start_second()
    bots.second_waits()
    process_of(bots.first.bot_process).kill()
    assert bots.second_works(LEASE_SECONDS + START_SECONDS) > LEASE_SECONDS / 2


def test_killed_bot_that_restarts_continues_with_its_own_lease(bots: Bots) -> None:
    process_of(bots.first.bot_process).kill()
    before = bots.first.bot_process.log.read_text()
    bots.first.start_bot()  # until it is ready
    assert "this bot waits" not in bots.first.bot_process.log.read_text().removeprefix(before)


def test_suspended_bot_ends_when_it_wakes_after_a_takeover(bots: Bots) -> None:
    bots.start_second()
    bots.second_waits()
    first = process_of(bots.first.bot_process)
    first.send_signal(signal.SIGSTOP)
    bots.second_works(LEASE_SECONDS + START_SECONDS)
    first.send_signal(signal.SIGCONT)
    first.wait(START_SECONDS)
    last = bots.first.bot_process.log.read_text().splitlines()[-1]
    assert "Another bot (" in last
    assert "This bot ends; started again, it waits for the lease." in last
