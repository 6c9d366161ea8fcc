"""The list of operations. A new one is a module of its own and one line here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provisioner.domain.job import JobKind
from provisioner.operations.create import CREATE
from provisioner.operations.delete import DELETE
from provisioner.operations.spec import Operation
from provisioner.operations.upgrade import UPGRADE


class BadRegistry(Exception):
    """An operation or a command is registered twice, incomplete or contradicts another."""


def register(operations: Iterable[Operation]) -> Mapping[JobKind, Operation]:
    """The operations by kind. Raises BadRegistry."""
    registered: dict[JobKind, Operation] = {}
    for operation in operations:
        if operation.kind in registered:
            raise BadRegistry(f"The operation “{operation.kind}” is registered twice.")
        if not operation.stages or len(set(operation.stage_names)) < len(operation.stages):
            raise BadRegistry(f"The operation “{operation.kind}” has no stages, or two of the same name.")
        if operation.changes_store_at not in (None, *operation.stage_names):
            raise BadRegistry(f"“{operation.changes_store_at}” is not a stage of the operation “{operation.kind}”.")
        if operation.deadline_seconds <= 0:
            raise BadRegistry(f"The operation “{operation.kind}” has no deadline.")
        registered[operation.kind] = operation
    return registered


OPERATIONS = register([CREATE, UPGRADE, DELETE])
DEFAULT_DEADLINES = {kind: operation.deadline_seconds for kind, operation in OPERATIONS.items()}
