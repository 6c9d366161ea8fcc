"""The clock of deadlines and pauses."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from provisioner.domain.clock import SteadyClock


@dataclass
class Machine:
    """A machine's clocks: the time of day, and the seconds since its start."""

    day: float = 1_800_000_000.0
    uptime: float = 0.0

    def passes(self, seconds: float) -> None:
        self.day += seconds
        self.uptime += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(time, "time", lambda: made.day)
    monkeypatch.setattr(time, "monotonic", lambda: made.uptime)
    return made


def test_steady_clock_shows_the_time_of_day(machine: Machine) -> None:
    clock = SteadyClock()
    for _ in range(3):
        machine.passes(1234.5)
        assert clock() == pytest.approx(machine.day)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_steady_clock_does_not_jump_and_catches_up(machine: Machine, jump: float) -> None:
    clock = SteadyClock()
    before = clock()
    machine.day += jump
    assert clock() == before
    machine.passes(60)
    assert 30 <= clock() - before <= 90
    machine.passes(3 * 3600)
    assert clock() == pytest.approx(machine.day)
