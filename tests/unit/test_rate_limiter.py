"""Our own limits: so many calls in so many seconds, some kept back, and none while Slack asked us to wait."""

from __future__ import annotations

import pytest

from bot.slack.rate_limiter import RATES, NotYet, RateLimiter


class Stopwatch:
    """Stands still until told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def pace(watch: Stopwatch, monkeypatch: pytest.MonkeyPatch) -> RateLimiter:
    monkeypatch.setitem(RATES, "chat.postMessage", (5, 10.0))
    return RateLimiter(watch)


def test_so_many_and_no_more_within_the_window(pace: RateLimiter, watch: Stopwatch) -> None:
    for _ in range(5):
        pace.take("chat.postMessage", "C1")
        watch.now += 1
    with pytest.raises(NotYet) as wait:
        pace.take("chat.postMessage", "C1")
    assert wait.value.seconds == pytest.approx(5)
    pace.take("chat.postMessage", "C2")
    watch.now += 5
    pace.take("chat.postMessage", "C1")


def test_a_refused_call_costs_nothing(pace: RateLimiter, watch: Stopwatch) -> None:
    for _ in range(5):
        pace.take("chat.postMessage", "C1")
    for _ in range(20):
        with pytest.raises(NotYet):
            pace.take("chat.postMessage", "C1")
    watch.now += 10
    pace.take("chat.postMessage", "C1")


def test_some_are_kept_back_for_what_is_urgent(pace: RateLimiter) -> None:
    for _ in range(3):
        pace.take("chat.postMessage", "C1", reserve=2)
    with pytest.raises(NotYet) as wait:
        pace.take("chat.postMessage", "C1", reserve=2)
    assert wait.value.seconds == pytest.approx(10)
    pace.take("chat.postMessage", "C1")
    pace.take("chat.postMessage", "C1")
    with pytest.raises(NotYet):
        pace.take("chat.postMessage", "C1")


def test_slacks_own_word_comes_first(pace: RateLimiter, watch: Stopwatch) -> None:
    pace.hold("chat.postMessage", "C1", 30)
    with pytest.raises(NotYet) as wait:
        pace.take("chat.postMessage", "C1")
    assert wait.value.seconds == pytest.approx(30)
    watch.now += 30
    pace.take("chat.postMessage", "C1")
