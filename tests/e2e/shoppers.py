"""People who go on buying while something is done to the shop, and what is done to its database."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from provisioner.clients.kubernetes.objects import is_ready
from tests.e2e.store_release import Release, process
from tests.waiting import until


class Shoppers:
    """`number` people who buy one thing after another until they are told to stop, and try again when something fails.

    `buy` gives the id of an order that was confirmed, or raises."""

    def __init__(self, buy: Callable[[], Any], number: int) -> None:
        self.confirmed: list[Any] = []
        self.failures: list[str] = []
        self._buy, self._over = buy, threading.Event()
        self._threads = [threading.Thread(target=self._shop) for _ in range(number)]

    def __enter__(self) -> Shoppers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def go_on(self, orders: int) -> None:
        """Wait until that many more are confirmed."""
        sold = len(self.confirmed)
        until("people buy", lambda: len(self.confirmed) >= sold + orders)

    def _shop(self) -> None:
        while not self._over.is_set():
            try:
                self.confirmed.append(self._buy())
            except (AssertionError, httpx.HTTPError) as error:
                self.failures.append(str(error))
                self._over.wait(0.1)


def sold_through(buy: Callable[[], Any], number: int, deaths: int, kill: Callable[[int], None]) -> set[Any]:
    """The orders that were confirmed to `number` shoppers while `kill` was called `deaths` times, with its number."""
    with Shoppers(buy, number) as shoppers:
        for death in range(deaths):
            shoppers.go_on(number)
            time.sleep(secrets.randbelow(1500) / 1000)
            kill(death)
        shoppers.go_on(3 * number)
    print(f"{len(shoppers.confirmed)} orders confirmed, {len(shoppers.failures)} attempts failed")
    assert shoppers.failures, "no shopper noticed anything: nothing was killed"
    return set(shoppers.confirmed)


def kill_database(shop: Release, command: bytes, *, whole: bool = True) -> None:
    """SIGKILL to the database's process of that command, and wait until it is ready again.

    A container that died as a `whole` has its pod removed: in the same one Kubernetes would start it only after ever
    longer pauses."""
    pod = shop.pod("database")
    os.kill(process(pod, command), signal.SIGKILL)
    if whole:
        shop.kubectl("delete", "pod", pod["metadata"]["name"])
    until("the database is ready again", lambda: is_ready(shop.pod("database")))
