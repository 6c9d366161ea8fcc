"""The campaign of kills: a census, then a kill at each boundary, then kills at random moments."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from dev.cluster import Cluster
from tests.chaos.arena import Arena, Cycle, Target
from tests.chaos.census import Census, Targets
from tests.chaos.report import Report
from tests.chaos.tour import tours

CYCLES_OF_AN_ARENA = 30  # then a new one is made: its Slack holds all messages, and Slack is searched for lost ones
KILLS_OF_A_CYCLE = 4  # at most, at random moments; ten of them would make a job fail
Progress = Callable[[str], None]


@dataclass
class Campaign:
    """All kills that the report does not have yet. `arenas` work at the same time.

    `progress` is called with a line after each cycle."""

    cluster: Cluster
    folder: Path
    arenas: int
    progress: Progress
    seed: int
    report: Report = field(default_factory=Report)

    def __post_init__(self) -> None:
        self._lock, self._opened = Lock(), 0

    # --- phases -----------------------------------------------------------------------------------------------------

    def census(self) -> None:
        """Find the boundaries of every step. Each is ordered apart once, so that those of its request are seen."""
        census = Census()
        with self._new_arena() as arena:
            for step in (step.name for tour in tours() for step in tour):
                arena.add(*tours())
                while step not in [other.name for other in arena.steps]:
                    self._note(arena.cycle())
                    arena.add(*tours())
                cycle = arena.cycle(apart=step)
                census.add(cycle, arena.bot.reached(cycle.log))
                self._note(cycle)
        self.report.boundaries = census.targets()

    def kill_at_boundaries(self) -> None:
        """A kill at each boundary."""
        targets = Targets(target for target in self.report.boundaries if target not in self.report.reached)

        def work(arena: Arena) -> bool:
            with self._lock:
                chosen, apart = targets.take([step.name for step in arena.steps])
                left = len(targets)
            if not left and not chosen:
                return False
            missed: Iterable[Target] = chosen
            try:
                cycle = arena.cycle(chosen, apart=apart)
                missed = cycle.aims.values()
            finally:
                with self._lock:
                    targets.put_back(missed)
            self._note(cycle, f"{left} boundaries left")
            return True

        self._in_arenas(work)
        self.report.add_unreached(targets.unreached)

    def kill_at_random(self, kills: int) -> None:
        """At least so many kills at random moments."""
        chance, done = random.Random(self.seed), self.report.random_kills  # noqa: S311  (no secret)

        def work(arena: Arena) -> bool:
            nonlocal done
            with self._lock:
                if done >= kills:
                    return False
                pauses = [chance.uniform(0, 8) for _ in range(chance.randint(1, KILLS_OF_A_CYCLE))]
                done += len(pauses)
            self._note(arena.cycle(pauses=pauses), f"{max(0, kills - done)} random kills left")
            return True

        self._in_arenas(work)

    # --- arenas -----------------------------------------------------------------------------------------------------

    def _in_arenas(self, work: Callable[[Arena], bool]) -> None:
        """Call `work` in each arena, again and again, until it returns False."""

        def keep_working() -> None:
            while True:
                try:
                    with self._new_arena() as arena:
                        for _ in range(CYCLES_OF_AN_ARENA):
                            arena.add(*tours())
                            if not work(arena):
                                return
                except Exception as error:  # noqa: BLE001  (hours of other results must not be lost)
                    self._note_error(error)

        with ThreadPoolExecutor(self.arenas) as threads:
            for future in [threads.submit(keep_working) for _ in range(self.arenas)]:
                future.result()

    def _new_arena(self) -> Arena:
        with self._lock:
            self._opened += 1
            return Arena(self.cluster, self.folder / f"arena-{self._opened}", "shop")

    def _note_error(self, error: Exception) -> None:
        """A cycle that the suite could not finish counts as a violation."""
        with self._lock:
            self.report.add_error(f"{type(error).__name__}: {error}")
            self.progress(f"A cycle could not be finished: {error}")

    def _note(self, cycle: Cycle, left: str = "census") -> None:
        with self._lock:
            self.report.add(cycle)
            for violation in cycle.violations:
                self.progress(f"{violation.kind}: {violation.what} (killed at {[kill.target for kill in cycle.kills]})")
            found = len(self.report.violations)
            self.progress(f"{left}; {self.report.kills} kills, {self.report.hits} jobs hit, {found} violations")
