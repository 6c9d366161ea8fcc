"""Stores that the tests of a module share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar


class Reusable(Protocol):
    def intact(self) -> bool:
        """Whether the next test may use it."""


R = TypeVar("R", bound=Reusable)


def reused(make: Callable[[], R]) -> Callable[[], R]:
    """Gives the store of the former call if that left it intact, or else makes a new one."""
    made: list[R] = []

    def take() -> R:
        if not made or not made[-1].intact():
            made.append(make())
        return made[-1]

    return take
