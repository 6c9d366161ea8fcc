"""Token buckets: how often Slack may be asked what, kept here so that Slack seldom has to say 429."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

# Tokens at most, and tokens a second. Slack allows 1 post a second in a channel and 50 edits a minute in all (so the
# most plus a minute's refill stay below 50); "progress" is ours: how often one message may change while work goes on.
RATES: dict[str, tuple[float, float]] = {
    "chat.postMessage": (3, 1.0),
    "chat.update": (10, 40 / 60),
    "progress": (1, 1.5),
    "views.publish": (1, 0.5),
}
OTHERS = (10.0, 1.0)


class NotYet(Exception):
    """Not allowed before `seconds` have passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not within {seconds:.2f} s")
        self.seconds = seconds


@dataclass
class _Bucket:
    tokens: float
    at: float
    held_until: float = 0.0


class Pace:
    """Not thread-safe: it belongs to the one thread that sends."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, method: str, scope: str = "", reserve: float = 0) -> None:
        """Use up one token, leaving at least `reserve` for more urgent callers. Raises NotYet."""
        bucket, now = self._bucket(method, scope), self._clock()
        most, rate = RATES.get(method, OTHERS)
        bucket.tokens = min(most, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        wait = max(bucket.held_until - now, (1 + reserve - bucket.tokens) / rate)
        if wait > 0:
            raise NotYet(wait)
        bucket.tokens -= 1

    def hold(self, method: str, scope: str, seconds: float) -> None:
        """Slack said 429: nothing of this kind before `seconds` have passed."""
        self._bucket(method, scope).held_until = self._clock() + seconds

    def _bucket(self, method: str, scope: str) -> _Bucket:
        most, _ = RATES.get(method, OTHERS)
        return self._buckets.setdefault((method, scope), _Bucket(most, self._clock()))
