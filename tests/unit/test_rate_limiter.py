"""The rate limiter: calls per window, reserved calls, and pauses that Slack asks for."""

from __future__ import annotations

import pytest

from bot.slack.rate_limiter import RATES, NotYet, RateLimiter


class Stopwatch:
    """A clock that only the test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def pace(watch: Stopwatch) -> RateLimiter:
    return RateLimiter(watch, {**RATES, "chat.postMessage": (5, 10.0)})


def test_window_takes_its_number_of_calls_and_no_more(pace: RateLimiter, watch: Stopwatch) -> None:
    for _ in range(5):
        pace.take("chat.postMessage", "C1")
        watch.now += 1
    with pytest.raises(NotYet) as wait:
        pace.take("chat.postMessage", "C1")
    assert wait.value.seconds == pytest.approx(5)
    pace.take("chat.postMessage", "C2")
    watch.now += 5
    pace.take("chat.postMessage", "C1")


def test_refused_call_is_not_counted(pace: RateLimiter, watch: Stopwatch) -> None:
    for _ in range(5):
        pace.take("chat.postMessage", "C1")
    for _ in range(20):
        with pytest.raises(NotYet):
            pace.take("chat.postMessage", "C1")
    watch.now += 10
    pace.take("chat.postMessage", "C1")


def test_reserve_keeps_calls_for_urgent_callers(pace: RateLimiter) -> None:
    for _ in range(3):
        pace.take("chat.postMessage", "C1", reserve=2)
    with pytest.raises(NotYet) as wait:
        pace.take("chat.postMessage", "C1", reserve=2)
    assert wait.value.seconds == pytest.approx(10)
    pace.take("chat.postMessage", "C1")
    pace.take("chat.postMessage", "C1")
    with pytest.raises(NotYet):
        pace.take("chat.postMessage", "C1")


def test_hold_after_429_takes_precedence(pace: RateLimiter, watch: Stopwatch) -> None:
    pace.hold("chat.postMessage", "C1", 30)
    with pytest.raises(NotYet) as wait:
        pace.take("chat.postMessage", "C1")
    assert wait.value.seconds == pytest.approx(30)
    watch.now += 30
    pace.take("chat.postMessage", "C1")
