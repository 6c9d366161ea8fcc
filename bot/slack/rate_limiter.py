"""RateLimiter: limits our calls to Slack, so that Slack rarely answers 429."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping

# The number of calls, and the period in seconds in which no more may start. The first two are Slack's limits (a post a
# second and channel with short bursts, 50 edits a minute), with a slightly longer period: calls reach Slack less evenly
# than they start. The others are our own: edits of one message while its job runs, of all such messages, and App Home.
RATES: Mapping[str, tuple[int, float]] = {
    "chat.postMessage": (5, 5.3),
    "chat.update": (50, 61.0),
    "progress of one": (1, 0.7),
    "progress of all": (10, 12.0),
    "views.publish": (4, 3.0),
}


class NotYet(Exception):
    """The call is not allowed for another `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not allowed for another {seconds:.2f} s")
        self.seconds = seconds


class RateLimiter:
    """Not thread-safe: only the notifier's thread uses it."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, rates: Mapping[str, tuple[int, float]] = RATES
    ) -> None:
        self._clock, self._rates = clock, rates
        self._started_at: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._blocked_until: dict[tuple[str, str], float] = {}

    def take(self, method: str, scope: str = "", reserve: int = 0) -> None:
        """Count a call, and leave `reserve` calls for urgent messages. Raises NotYet."""
        started_at, now = self._started_at[method, scope], self._clock()
        limit, period_seconds = self._rates[method]
        limit -= reserve
        while started_at and started_at[0] <= now - period_seconds:
            started_at.popleft()
        wait_seconds = self._blocked_until.get((method, scope), now) - now
        if len(started_at) >= limit:
            wait_seconds = max(wait_seconds, started_at[len(started_at) - limit] + period_seconds - now)
        if wait_seconds > 0:
            raise NotYet(wait_seconds)
        started_at.append(now)

    def hold(self, method: str, scope: str, seconds: float) -> None:
        """Block such calls for `seconds`, after Slack answered 429."""
        self._blocked_until[method, scope] = self._clock() + seconds
