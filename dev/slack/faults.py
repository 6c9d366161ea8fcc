"""How often Slack lets an app call each method, and the troubles a test can order (faults)."""

import math
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

from dev.slack.workspace import SlackError

# (calls, in how many seconds, counted per channel?). Slack's tiers say "50+ per minute"; here it is 50, no more.
TIER_2, TIER_3, TIER_4 = (20, 60, False), (50, 60, False), (100, 60, False)
LIMITS: dict[str, tuple[int, float, bool]] = {
    "chat.postMessage": (5, 5, True),  # 1 per second and channel, short bursts allowed
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


def too_many(retry_after: float) -> SlackError:
    """Slack's HTTP 429; `retry_after` in seconds, rounded up as the header is whole."""
    return SlackError("ratelimited", status=429, headers={"Retry-After": str(max(1, math.ceil(retry_after)))})


class RateLimits:
    """A sliding window per method (and channel)."""

    def __init__(self, limits: dict[str, tuple[int, float, bool]]):
        self.limits = limits
        self._calls: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def spend(self, method: str, channel: str) -> None:
        """Count one call. Raises SlackError ratelimited (429) where it is one too many."""
        if method not in self.limits:
            return
        count, seconds, per_channel = self.limits[method]
        calls = self._calls[method, channel if per_channel else ""]
        now = time.monotonic()
        while calls and calls[0] <= now - seconds:
            calls.popleft()
        if len(calls) >= count:
            raise too_many(calls[0] + seconds - now)
        calls.append(now)


@dataclass
class Fault:
    """One ordered trouble, which ends after `times` uses (0: until cleared).

    kind, with `method` a Web API method, "response_url", or "*" for every one:
      ratelimited      429 with Retry-After: `seconds`
      server_error     HTTP 500 before anything happened
      error            ok:false with the error `code`
      drop_response    the call takes effect, then the connection breaks
      hang             the call takes effect, the answer comes after `seconds`
      latency          the call begins after `seconds`
      invalid_blocks   refuses messages that hold one of `block_types`
    without `method`:
      duplicate        the next delivery to the bot is made twice, byte for byte
    """

    kind: str
    method: str = "*"
    times: int = 1
    seconds: float = 1
    code: str = "internal_error"
    block_types: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no fault {self.kind!r}; choose one of {', '.join(KINDS)}")


KINDS = ("ratelimited", "server_error", "error", "drop_response", "hang", "latency", "invalid_blocks", "duplicate")


class Faults:
    """The troubles still to come, taken in the order they were asked for."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Order one more."""
        self._ordered.append(fault)

    def clear(self) -> None:
        """Forget them all."""
        self._ordered.clear()

    def take(self, kind: str, method: str = "*", block_types: frozenset[str] = frozenset()) -> Fault | None:
        """The first trouble of this kind for this method, used up by one; None where all is well."""
        for fault in self._ordered:
            if fault.kind != kind or fault.method not in ("*", method):
                continue
            if fault.block_types and not block_types.intersection(fault.block_types):
                continue
            if fault.times == 1:
                self._ordered.remove(fault)
            fault.times = max(0, fault.times - 1)
            return fault
        return None
