"""Stores that the tests of a module share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

SETTLE_SECONDS = 10  # the ingress or a pod may lag a moment behind the former test


class Reusable(Protocol):
    def intact(self) -> bool:
        """Whether the next test may use it."""


R = TypeVar("R", bound=Reusable)


def reused(make: Callable[[], R]) -> Callable[[], R]:
    """Gives the store of the former call if that left it intact, or else makes a new one."""
    made: list[R] = []

    def take() -> R:
        if not made or not _settles(made[-1]):
            made.append(make())
        return made[-1]

    return take


def _settles(store: Reusable) -> bool:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not (intact := store.intact()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return intact
