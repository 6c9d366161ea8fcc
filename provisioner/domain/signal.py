"""A signal that one part of the program sends and others listen to."""

from __future__ import annotations

from collections.abc import Callable


class Signal:
    """Calls every connected listener, on the thread that sends. Listeners return at once."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def connect(self, listener: Callable[[], None]) -> None:
        """Call `listener` on each `send` from now on."""
        self._listeners.append(listener)

    def send(self) -> None:
        """Call the listeners."""
        for listener in list(self._listeners):
            listener()
