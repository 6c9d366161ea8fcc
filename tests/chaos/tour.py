"""How to order every registered operation: the tour of a store through all of them, and the words for each.

Both follow from the registries, so that a new operation is on the tour once it is registered."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.commands.registry import COMMANDS
from provisioner.domain.job import JobKind, JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.operations.backup import BACKUP
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.rollback import ROLLBACK
from provisioner.operations.spec import Operation
from provisioner.operations.upgrade import UPGRADE

NEEDS = {ROLLBACK.kind: UPGRADE}  # what has to be done before, where no state says so: it is registered before


class CannotOrder(Exception):
    """The suite does not know how to order an operation, or how to bring a store into a state for it."""


@dataclass(frozen=True)
class Step:
    """One order on a store. With `fails`, its work fails and it has to restore the store; with `replaces`, it is
    ordered while another operation's job runs; with `cancelled`, a person cancels its job."""

    operation: Operation
    fails: bool = False
    replaces: Operation | None = None
    cancelled: bool = False

    @property
    def name(self) -> str:
        if self.replaces:
            return f"{self.operation.kind} during {self.replaces.kind}"
        if self.cancelled:
            return f"{self.operation.kind}, cancelled"
        return f"{self.operation.kind}, rolled back" if self.fails else str(self.operation.kind)

    @property
    def outcome(self) -> JobStatus:
        """How the job has to end; a cancellation may come too late."""
        return JobStatus.FAILED if self.fails else JobStatus.SUCCEEDED


def order_of(operation: Operation, store: str, source: str) -> str:
    """The slash command that orders it; an operation that copies a store copies the `source`. Raises CannotOrder."""
    command = COMMANDS.get(operation.kind)
    required = re.sub(r"\[[^]]*\]", "", command.arguments).split() if command else []
    names = {("NAME",): store, ("NEW",): store, ("NAME", "NEW"): f"{source} {store}"}.get(tuple(required))
    if not command or not names:
        raise CannotOrder(f"No command orders “{operation.kind}” with only the names of stores.")
    return f"/store {command.verb} {names}"


def tours(operations: Mapping[JobKind, Operation] = OPERATIONS) -> list[list[Step]]:
    """Tours that begin with a store's order and end with its end, and have every operation on them.

    The first one visits each operation of a store that exists, and each that can roll back a second time. The others
    have the operations that bring a deleted store back, the other ones that make a store, cancelled jobs, and those
    that replace a running job.

    Raises CannotOrder for an operation that no state leads to."""
    births = [operation for operation in operations.values() if not operation.orderable_when]
    replacing = [operation for operation in operations.values() if operation.replaces_live_job]
    end = Step(next(o for o in operations.values() if o.status_when_succeeded == StoreStatus.DELETED))
    return [
        [*_visits(births[0], operations), end],
        *([Step(births[0]), end, Step(back)] for back in operations.values() if _brings_back(back)),
        *([Step(birth), end] for birth in births[1:]),
        [Step(births[0], cancelled=True)],
        *([Step(births[0]), Step(operation, cancelled=True), end] for operation in _cancelled(births[0], operations)),
        *([Step(operation, replaces=birth)] for operation in replacing for birth in births),
    ]


def short_tours(operations: Mapping[JobKind, Operation] = OPERATIONS) -> list[list[Step]]:
    """Tours of two steps where that is enough: the order of a store, and then one of the other steps of `tours`.

    Where the step needs a backup or another operation, that is between them."""
    [first, *others] = tours(operations)
    birth = first[0]
    short: dict[str, list[Step]] = {}
    for step in first[1:]:
        way = _way(birth.operation.status_when_succeeded, [step.operation], operations)
        needed = BACKUP if step.operation.needs_backup else NEEDS.get(step.operation.kind)
        before = [birth, Step(needed)] if needed else [birth]
        short[step.name] = [*before, *map(Step, way[:-1]), step]
    return [*short.values(), *others]


def _brings_back(operation: Operation) -> bool:
    return StoreStatus.DELETED in operation.orderable_when


def _cancelled(birth: Operation, operations: Mapping[JobKind, Operation]) -> list[Operation]:
    """The operations that restore a new store when they are cancelled, and need nothing before."""
    restoring = [o for o in operations.values() if o.rolls_back and not o.needs_backup and o.kind not in NEEDS]
    return [operation for operation in restoring if birth.status_when_succeeded in operation.orderable_when]


def _visits(birth: Operation, operations: Mapping[JobKind, Operation]) -> Iterator[Step]:
    """The birth, and all operations that do not end the store, each after those that lead to a state for it."""
    status = birth.status_when_succeeded
    yield Step(birth)
    waiting = [o for o in operations.values() if o.orderable_when and o.status_when_succeeded != StoreStatus.DELETED]
    waiting = [operation for operation in waiting if not _brings_back(operation)]
    while waiting and status:
        way = _way(status, waiting, operations)
        for operation in way[:-1]:
            yield Step(operation)
            status = operation.status_when_succeeded or status
        if way[-1].rolls_back:  # first, because it leaves the store as it is
            yield Step(way[-1], fails=True)
        yield Step(way[-1])
        status = way[-1].status_when_succeeded or status
        waiting.remove(way[-1])


def _way(
    status: StoreStatus | None, wanted: list[Operation], operations: Mapping[JobKind, Operation]
) -> list[Operation]:
    """The shortest sequence of operations from a state to one of those that are wanted. Raises CannotOrder."""
    queue = deque([(status, list[Operation]())])
    seen = {status}
    while queue:
        status, way = queue.popleft()
        for operation in operations.values():
            if status not in operation.orderable_when:
                continue
            if operation in wanted:
                return [*way, operation]
            later = operation.status_when_succeeded or status
            if later not in seen and later != StoreStatus.DELETED:
                seen.add(later)
                queue.append((later, [*way, operation]))
    raise CannotOrder(f"No state leads to {', '.join(operation.kind for operation in wanted)}.")
