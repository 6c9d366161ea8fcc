"""How often Slack may be asked what, kept here so that Slack seldom has to say 429."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable

# Calls, and the seconds in which no more than that may begin. The first two are Slack's and a little longer, as calls
# arrive less evenly than they begin (1 post a second in a channel, short bursts allowed; 50 edits a minute in all); the
# others are ours: how often one message may change while work goes on, how often all of them, and one person's Home.
RATES: dict[str, tuple[int, float]] = {
    "chat.postMessage": (5, 5.3),
    "chat.update": (50, 61.0),
    "progress of one": (1, 0.7),
    "progress of all": (10, 12.0),
    "views.publish": (1, 1.0),
}


class NotYet(Exception):
    """Not allowed before `seconds` have passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not within {seconds:.2f} s")
        self.seconds = seconds


class RateLimiter:
    """Not thread-safe: it belongs to the one thread that sends."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._held_until: dict[tuple[str, str], float] = {}

    def take(self, method: str, scope: str = "", reserve: int = 0) -> None:
        """Count one call, leaving `reserve` of them to more urgent callers. Raises NotYet."""
        begun, now = self._begun[method, scope], self._clock()
        most, seconds = RATES[method]
        while begun and begun[0] <= now - seconds:
            begun.popleft()
        wait = self._held_until.get((method, scope), now) - now
        if len(begun) >= most - reserve:
            wait = max(wait, begun[len(begun) - (most - reserve)] + seconds - now)
        if wait > 0:
            raise NotYet(wait)
        begun.append(now)

    def hold(self, method: str, scope: str, seconds: float) -> None:
        """Slack said 429: nothing of this kind before `seconds` have passed."""
        self._held_until[method, scope] = self._clock() + seconds
