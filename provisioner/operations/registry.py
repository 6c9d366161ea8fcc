"""The list of operations. A new one is a module of its own and one line here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provisioner.domain.job import ROLLBACK_STAGE, JobKind
from provisioner.operations.backup import BACKUP
from provisioner.operations.clone import CLONE
from provisioner.operations.create import CREATE
from provisioner.operations.delete import DELETE
from provisioner.operations.import_ import IMPORT
from provisioner.operations.pause import PAUSE
from provisioner.operations.prove import PROVE
from provisioner.operations.reset import RESET
from provisioner.operations.restart import RESTART
from provisioner.operations.restore import RESTORE
from provisioner.operations.rollback import ROLLBACK
from provisioner.operations.set import SET
from provisioner.operations.spec import Operation
from provisioner.operations.undelete import UNDELETE
from provisioner.operations.upgrade import UPGRADE
from provisioner.operations.wake import WAKE


class BadRegistry(Exception):
    """An operation or a command is registered twice, incomplete or contradicts another."""


def register(operations: Iterable[Operation]) -> Mapping[JobKind, Operation]:
    """The operations by kind. Raises BadRegistry."""
    registered: dict[JobKind, Operation] = {}
    for operation in operations:
        if operation.kind in registered:
            raise BadRegistry(f"The operation “{operation.kind}” is registered twice.")
        _require_consistent(operation)
        registered[operation.kind] = operation
    return registered


def _require_consistent(operation: Operation) -> None:
    name, stages = f"The operation “{operation.kind}”", operation.stage_names
    if not stages or len(set(stages)) < len(stages):
        raise BadRegistry(f"{name} has no stages, or two of the same name.")
    if operation.changes_store_at not in (None, *stages):
        raise BadRegistry(f"“{operation.changes_store_at}” is not a stage of the operation “{operation.kind}”.")
    if operation.status_when_ordered and operation.changes_store_at:
        # A job that failed before that stage would leave the store in the status of its order.
        raise BadRegistry(f"{name} changes the store's status when it is ordered, so changes_store_at must be None.")
    if operation.rolls_back and ROLLBACK_STAGE not in stages:
        raise BadRegistry(f"{name} rolls back, and has no stage “{ROLLBACK_STAGE}”.")
    if operation.last_stage not in (None, *stages):
        raise BadRegistry(f"“{operation.last_stage}” is not a stage of the operation “{operation.kind}”.")
    if operation.undo and operation.last_stage is None and operation.instead_of_cancel:
        raise BadRegistry(f"{name} can always be cancelled, so nothing can be done instead.")
    if not (operation.undo and operation.last_stage is None) and not operation.instead_of_cancel:
        raise BadRegistry(f"{name} can't always be cancelled, and does not say what to do instead.")
    if operation.deadline_seconds <= 0:
        raise BadRegistry(f"{name} has no deadline.")


OPERATIONS = register(
    [
        CREATE,
        CLONE,
        IMPORT,
        UPGRADE,
        SET,
        ROLLBACK,
        RESTART,
        RESET,
        PAUSE,
        WAKE,
        BACKUP,
        PROVE,
        RESTORE,
        DELETE,
        UNDELETE,
    ]
)
DEFAULT_DEADLINES = {kind: operation.deadline_seconds for kind, operation in OPERATIONS.items()}
