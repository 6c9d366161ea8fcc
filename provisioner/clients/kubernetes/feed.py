"""A hand-over between two threads that keeps only the newest value."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Feed(Generic[T]):
    """The newest value of one thread, for one other thread.

    Older values are dropped.
    """

    def __init__(self) -> None:
        self._latest: tuple[T] | Exception | None = None
        self._changed = threading.Event()

    def put(self, value: T) -> None:
        self._latest = (value,)
        self._changed.set()

    def fail(self, error: Exception) -> None:
        """Raise `error` in the other thread, until there is a value again."""
        self._latest = error
        self._changed.set()

    def every(self, tick_seconds: float) -> Iterator[T]:
        """The newest value, at each change and at least every `tick_seconds`.

        Raises the error of `fail`.
        """
        while True:
            self._changed.wait(tick_seconds)
            self._changed.clear()
            latest = self._latest
            if isinstance(latest, Exception):
                raise latest
            if latest is not None:
                yield latest[0]
