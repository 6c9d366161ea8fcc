"""Slack's rate limits for each Web API method."""

import math
import time
from collections import defaultdict, deque
from typing import NamedTuple

from dev.slack.workspace import SlackError


class RateLimit(NamedTuple):
    """At most `calls` calls of a method in `seconds` seconds.

    They are counted for each channel or for the whole app."""

    calls: int
    seconds: float
    per_channel: bool = False


# Slack promises "50+ per minute" for a tier (docs.slack.dev/apis/web-api/rate-limits). The local Slack allows 50.
TIER_2, TIER_3, TIER_4 = RateLimit(20, 60), RateLimit(50, 60), RateLimit(100, 60)
RATE_LIMITS: dict[str, RateLimit] = {
    "chat.postMessage": RateLimit(5, 5, per_channel=True),  # 1 per second and channel; Slack allows short bursts
    "chat.update": TIER_3,
    "chat.delete": TIER_3,
    "chat.postEphemeral": TIER_4,
    "conversations.history": TIER_3,
    "conversations.info": TIER_3,
    "conversations.open": TIER_3,
    "conversations.replies": TIER_3,
    "reactions.add": TIER_3,
    "users.info": TIER_4,
    "users.list": TIER_2,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.push": TIER_4,
    "views.update": TIER_4,
    "apps.connections.open": TIER_2,
}


def rate_limited(retry_after: float) -> SlackError:
    """Slack's HTTP 429 answer.

    `retry_after` is in seconds, rounded up to the header's whole seconds."""
    return SlackError("ratelimited", status=429, headers={"Retry-After": str(max(1, math.ceil(retry_after)))})


class RateLimiter:
    """A sliding window of calls for each method (and channel)."""

    def __init__(self, limits: dict[str, RateLimit]):
        self._limits = limits
        self._call_times: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def count_call(self, method: str, channel: str) -> None:
        """Count one call.

        Raises SlackError ratelimited (429) if it exceeds the method's limit."""
        if method not in self._limits:
            return
        limit = self._limits[method]
        times = self._call_times[method, channel if limit.per_channel else ""]
        now = time.monotonic()
        while times and times[0] <= now - limit.seconds:
            times.popleft()
        if len(times) >= limit.calls:
            raise rate_limited(times[0] + limit.seconds - now)
        times.append(now)
