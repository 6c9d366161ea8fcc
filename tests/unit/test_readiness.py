"""How long the result of a check is valid."""

from __future__ import annotations

import pytest

from bot.observability import readiness
from bot.observability.readiness import OK, Readiness


class Part:
    """A part of the bot that is usable from the second look on."""

    def __init__(self) -> None:
        self.looks = 0

    def check(self) -> None:
        self.looks += 1
        if self.looks == 1:
            raise ValueError("not yet")


@pytest.fixture(autouse=True)
def _only_failures_are_outdated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "FAILURE_CACHE_SECONDS", 0.0)
    monkeypatch.setattr(readiness, "CACHE_SECONDS", float("inf"))


def test_a_part_that_failed_is_looked_at_again_soon_and_one_that_was_ok_later() -> None:
    part = Part()
    checks = Readiness({"part": part.check})
    assert checks.report() == (False, {"part": "ValueError: not yet"})
    assert checks.report() == (True, {"part": OK})
    assert checks.report() == (True, {"part": OK})
    assert part.looks == 2


def test_an_optional_part_that_failed_is_not_looked_at_sooner_than_one_that_was_ok() -> None:
    part = Part()
    checks = Readiness({}, {"part": part.check})
    assert checks.report() == checks.report() == (True, {"part": "ValueError: not yet"})
    assert part.looks == 1
