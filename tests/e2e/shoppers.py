"""People who go on buying while something is done to the shop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx

from tests.e2e.shops import until


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
