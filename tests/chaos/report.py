"""The report of the kills: a table of operation and kind of boundary, and the same as JSON, from which they go on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from rich.table import Table

from tests.chaos.arena import Cycle, Owner, Target
from tests.chaos.census import kind_of
from tests.chaos.judge import Kind

KILLS, UNREACHED, ERRORS, RANDOM, START = "kills", "not reached", "errors", "random", "the bot itself"
HITS, RANDOM_KILLS = "jobs hit", "random kills"
COLUMNS = (KILLS, *Kind, UNREACHED, ERRORS)
Place = tuple[str, str]  # a step, and the kind of boundary


class Report:
    """The sums of all cycles. `boundaries` are all targets, `reached` those where the bot was killed."""

    def __init__(self) -> None:
        self._counts: dict[Place, Counter[str]] = defaultdict(Counter)
        self._violations: list[dict[str, Any]] = []
        self.kills = self.hits = self.random_kills = 0
        self.boundaries: list[Target] = []
        self.reached: set[Target] = set()

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Report:
        """The report that `as_json` saved."""
        report = cls()
        report.kills, report.hits, report.random_kills = (saved[name] for name in (KILLS, HITS, RANDOM_KILLS))
        report._violations = saved["violations"]
        for row in saved["rows"]:
            report._counts[row["operation"], row["killed at"]].update({column: row[column] for column in COLUMNS})
        report.boundaries = [_target(target) for target in saved["boundaries"]]
        report.reached = {_target(target) for target in saved["reached"]}
        return report

    def add(self, cycle: Cycle) -> None:
        """Count a cycle. A violation counts where its step was killed in this cycle, or as random."""
        for kill in cycle.kills:
            self.kills += 1
            self.hits += len(kill.live)
            if kill.target:
                self.reached.add(kill.target)
            else:
                self.random_kills += 1
            for place in [_place(kill.target)] if kill.target else [(step, RANDOM) for step in set(kill.live)]:
                self._counts[place][KILLS] += 1
        aimed = {kill.target.step: _place(kill.target) for kill in cycle.kills if kill.target}
        for violation in cycle.violations:
            place = aimed.get(violation.step, (violation.step or START, RANDOM))
            self._counts[place][violation.kind] += 1
            kills = [asdict(kill.target) if kill.target else RANDOM for kill in cycle.kills]
            self._violations.append({**asdict(violation), "kills": kills})

    def add_error(self, what: str) -> None:
        """Count a cycle that could not be finished."""
        self._counts[START, RANDOM][ERRORS] += 1
        self._violations.append({"kind": ERRORS, "what": what, "step": "", "kills": []})

    def add_unreached(self, targets: Iterable[Target]) -> None:
        """Count the targets that no process reached."""
        for target in targets:
            self._counts[_place(target)][UNREACHED] += 1

    @property
    def violations(self) -> list[dict[str, Any]]:
        """All violations, each with the kills of its cycle."""
        return self._violations

    def table(self) -> Table:
        table = Table("operation", "killed at", *COLUMNS, title=f"{self.kills} kills hit {self.hits} running jobs")
        for (step, kind), counts in sorted(self._counts.items()):
            table.add_row(step, kind, *(str(counts[column]) for column in COLUMNS))
        total = sum(self._counts.values(), Counter[str]())
        table.add_section()
        table.add_row("all", "", str(self.kills), *(str(total[column]) for column in COLUMNS[1:]))
        return table

    def as_json(self) -> dict[str, Any]:
        rows = [
            {"operation": step, "killed at": kind, **{column: counts[column] for column in COLUMNS}}
            for (step, kind), counts in sorted(self._counts.items())
        ]
        return {
            KILLS: self.kills,
            HITS: self.hits,
            RANDOM_KILLS: self.random_kills,
            "rows": rows,
            "violations": self._violations,
            "boundaries": [asdict(target) for target in self.boundaries],
            "reached": [asdict(target) for target in self.reached],
        }


def _place(target: Target) -> Place:
    return target.step or START, kind_of(target)


def _target(saved: Mapping[str, Any]) -> Target:
    return Target(**{**saved, "owner": Owner(saved["owner"])})
