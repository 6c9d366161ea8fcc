"""The census: which boundaries each step has. Every one of them becomes a target."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

from dev.stack import ADMIN
from tests.chaos.arena import Cycle, Owner, Target
from tests.chaos.boundaries import BOT

OCCURRENCES = 2  # of a boundary with the same name and place, such as the edits of a root message, that become targets
READS = re.compile(r"GET |helm (get|list|history|version)|slack (conversations|auth|chat\.getPermalink)")
KINDS = {"ledger": r"commit ", "helm": r"helm ", "slack": r"slack ", "cluster": r""}


def kind_of(target: Target) -> str:
    """The kind of a boundary: ledger, helm, slack or cluster."""
    return next(kind for kind, pattern in KINDS.items() if re.search(pattern, target.name))


class Census:
    """Counts the boundaries of cycles without kills."""

    def __init__(self) -> None:
        self._counts: Counter[Target] = Counter()

    def add(self, cycle: Cycle, reached: Iterable[Mapping[str, Any]]) -> None:
        """Add a cycle and the boundaries that its process reached."""
        counts: Counter[Target] = Counter()
        for boundary in reached:
            if target := _target_of(cycle, boundary["owner"], boundary["name"]):
                counts[target] += 1
        self._counts |= counts

    def targets(self) -> list[Target]:
        """Each boundary; one that changes something for each of its first occurrences.

        Reads are repeated until something changes: a kill at a later one finds the same as at the first."""
        return [
            Target(target.step, target.owner, target.name, occurrence)
            for target, count in self._counts.items()
            for occurrence in range(1, 1 + min(count, 1 if READS.search(target.name) else OCCURRENCES))
        ]


def _target_of(cycle: Cycle, owner: str, name: str) -> Target | None:
    if owner in cycle.steps:
        return Target(cycle.steps[owner], Owner.STORE, name)
    if owner == ADMIN and cycle.apart:
        return Target(cycle.apart, Owner.PERSON, name)
    return Target("", Owner.BOT, name) if owner == BOT else None


class Targets:
    """The targets that are left, handed out for cycles."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._left = deque(targets)
        self._tried: Counter[Target] = Counter()
        self.unreached: list[Target] = []

    def __len__(self) -> int:
        return len(self._left)

    def take(self, steps: Iterable[str]) -> tuple[list[Target], str]:
        """Targets for a cycle with these steps, and the step to order apart.

        One of each step's job, one request, and one of the bot itself: more kills would make jobs fail, because a job
        that is interrupted ten times is given up."""
        chosen: dict[tuple[Owner, str], Target] = {}
        for target in self._left:
            place = (target.owner, target.step if target.owner is Owner.STORE else "")
            if target.owner is Owner.BOT or target.step in steps:
                chosen.setdefault(place, target)
        for target in chosen.values():
            self._left.remove(target)
        apart = chosen.get((Owner.PERSON, ""))
        return list(chosen.values()), apart.step if apart else ""

    def put_back(self, missed: Iterable[Target]) -> None:
        """Targets that no process reached are tried once more."""
        for target in missed:
            self._tried[target] += 1
            (self._left if self._tried[target] < 2 else self.unreached).append(target)
