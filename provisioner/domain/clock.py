"""SteadyClock: the time of day, without the jumps of the machine's clock."""

from __future__ import annotations

import threading
import time

CATCH_UP = 0.5  # seconds in each second


class SteadyClock:
    """Epoch seconds that go on when somebody sets the machine's clock, so that no deadline passes or moves away.

    Afterwards it goes faster or slower, by CATCH_UP, until it shows the machine's time again, as NTP does it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now, self._at = time.time(), time.monotonic()

    def __call__(self) -> float:
        with self._lock:
            at = time.monotonic()
            passed, self._at = at - self._at, at
            most = CATCH_UP * passed
            self._now += passed + max(-most, min(time.time() - self._now - passed, most))
            return self._now
