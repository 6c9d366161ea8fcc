"""Shoppers who place one order after another while a test kills the store's database."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Callable
from json import JSONDecodeError
from typing import Any

import httpx

from provisioner.clients.kubernetes.objects import is_ready
from tests.e2e.store_release import StoreRelease, process_id
from tests.waiting import until

PAUSE_SECONDS = 0.8  # between two orders of a shopper, so that the store's start gets most of the processors


class Shoppers:
    """`number` threads that place orders until the block ends, and try again after a failure.

    `place_order` returns the id of a confirmed order, or raises AssertionError, httpx.HTTPError or JSONDecodeError:
    WordPress appends its error page to an answer that it has sent, if the database ends at that moment."""

    def __init__(self, place_order: Callable[[], Any], number: int) -> None:
        self.confirmed: list[Any] = []
        self.failures: list[str] = []
        self._place_order, self._stopped = place_order, threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(number)]

    def __enter__(self) -> Shoppers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for_orders(self, number: int, seconds: float = 180) -> None:
        """Wait until `number` more orders are confirmed. Fails with the last failures of the shoppers."""
        wanted = len(self.confirmed) + number
        try:
            until("orders are confirmed", lambda: len(self.confirmed) >= wanted, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; the last failures: {self.failures[-3:]}") from None

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.confirmed.append(self._place_order())
            except (AssertionError, httpx.HTTPError, JSONDecodeError) as error:
                self.failures.append(repr(error))
            self._stopped.wait(PAUSE_SECONDS)


class Visits:
    """One request after another in the block, and how long the shop did not answer them.

    `request` raises AssertionError or httpx.HTTPError if it is not answered correctly."""

    def __init__(self, request: Callable[[], Any], pause_seconds: float = 0.25) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self.outages: list[float] = []  # seconds from a first failed request to the next answer
        self._request, self._pause_seconds, self._over = request, pause_seconds, threading.Event()
        self._thread = threading.Thread(target=self._visit)

    def __enter__(self) -> Visits:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def failed(self) -> int:
        return len(self.failures)

    @property
    def unavailable_seconds(self) -> float:
        return sum(self.outages)

    def _visit(self) -> None:
        failing_since: float | None = None
        while not self._over.wait(self._pause_seconds):
            started = time.monotonic()
            try:
                self._request()
            except (AssertionError, httpx.HTTPError) as error:
                self.failures.append(repr(error))
                failing_since = failing_since or started
                continue
            self.answered += 1
            if failing_since:
                self.outages.append(time.monotonic() - failing_since)
            failing_since = None


def orders_during_crashes(
    place_order: Callable[[], Any], *, shoppers: int, crashes: int, kill: Callable[[int], None]
) -> set[Any]:
    """The ids of the orders that were confirmed during `crashes` calls of `kill`, which gets its number from 0."""
    with Shoppers(place_order, shoppers) as running:
        for crash in range(crashes):
            running.wait_for_orders(shoppers)
            time.sleep(secrets.randbelow(1500) / 1000)
            kill(crash)
        running.wait_for_orders(3 * shoppers)
    print(f"{len(running.confirmed)} orders confirmed, {len(running.failures)} attempts failed")
    assert running.failures, "no attempt failed: nothing was killed"
    return set(running.confirmed)


def kill_database(store: StoreRelease, command: bytes, *, replace_pod: bool = True) -> None:
    """Send SIGKILL to the database process with `command` in its command line, and wait until the database is ready.

    If the kill ends the container, set `replace_pod`: in the same pod, Kubernetes restarts it after longer and longer
    pauses (CrashLoopBackOff)."""
    pod = store.pod("database")
    os.kill(process_id(pod, command), signal.SIGKILL)
    if replace_pod:
        store.kubectl("delete", "pod", pod["metadata"]["name"])
    until("the database is ready again", lambda: is_ready(store.pod("database")))
