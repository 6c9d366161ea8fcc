"""The registry of operations: an incomplete, repeated or contradictory spec does not start."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from typing import Any

import pytest

from provisioner.domain.job import JobKind
from provisioner.domain.store import StoreStatus
from provisioner.operations.backup import BACKUP
from provisioner.operations.clone import CLONE
from provisioner.operations.create import CREATE
from provisioner.operations.delete import DELETE
from provisioner.operations.import_ import IMPORT
from provisioner.operations.pause import PAUSE
from provisioner.operations.prove import PROVE
from provisioner.operations.registry import DEFAULT_DEADLINES, OPERATIONS, BadRegistry, register
from provisioner.operations.reset import RESET
from provisioner.operations.restart import RESTART
from provisioner.operations.restore import RESTORE
from provisioner.operations.rollback import ROLLBACK
from provisioner.operations.set import SET
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.undelete import UNDELETE
from provisioner.operations.upgrade import UPGRADE
from provisioner.operations.wake import WAKE
from tests.operations import DUST

FIELDS: dict[str, Any] = {field.name: getattr(DUST, field.name) for field in fields(Operation)}


@pytest.mark.parametrize("missing", list(FIELDS))
def test_spec_without_a_field_is_an_error(missing: str) -> None:
    with pytest.raises(TypeError, match=f"missing 1 required keyword-only argument: '{missing}'"):
        Operation(**{name: value for name, value in FIELDS.items() if name != missing})


def test_spec_has_no_defaults() -> None:
    assert all(field.default is field.default_factory is MISSING for field in fields(Operation))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages": ()}, "“dust” has no stages"),
        ({"stages": (Stage("wipe", "a", "b"), Stage("wipe", "c", "d"))}, "two of the same name"),
        ({"changes_store_at": "polish"}, "“polish” is not a stage of the operation “dust”"),
        ({"deadline_seconds": 0}, "“dust” has no deadline"),
        ({"rolls_back": True}, "“dust” rolls back, and has no stage “rollback”"),
        ({"last_stage": "polish", "instead_of_cancel": "Wait."}, "“polish” is not a stage of the operation “dust”"),
        ({"undo": None}, "“dust” can't always be cancelled, and does not say what to do instead"),
        ({"last_stage": "wipe"}, "“dust” can't always be cancelled, and does not say what to do instead"),
        ({"instead_of_cancel": "Wait."}, "“dust” can always be cancelled, so nothing can be done instead"),
        ({"status_when_ordered": StoreStatus.CREATING}, "“dust” changes the store's status when it is ordered"),
    ],
    ids=[
        "no stages",
        "same stages",
        "unknown stage",
        "no deadline",
        "no rollback stage",
        "unknown last stage",
        "no undo",
        "last stage without advice",
        "useless advice",
        "two first changes",
    ],
)
def test_contradictory_spec_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRegistry, match=message):
        register([CREATE, replace(DUST, **changes)])


def test_operation_is_not_registered_twice() -> None:
    with pytest.raises(BadRegistry, match="“dust” is registered twice"):
        register([DUST, replace(DUST, deadline_seconds=1)])


def test_complete_specs_are_registered_by_kind() -> None:
    rolling_back = replace(DUST, kind=JobKind("polish"), rolls_back=True, stages=(*DUST.stages, ROLLBACK.stages[-1]))
    assert register([DUST, rolling_back]) == {"dust": DUST, "polish": rolling_back}


def test_registry_lists_every_operation_with_its_deadline() -> None:
    assert OPERATIONS == {
        "create": CREATE,
        "clone": CLONE,
        "import": IMPORT,
        "upgrade": UPGRADE,
        "rollback": ROLLBACK,
        "set": SET,
        "restart": RESTART,
        "reset": RESET,
        "pause": PAUSE,
        "wake": WAKE,
        "backup": BACKUP,
        "prove": PROVE,
        "restore": RESTORE,
        "delete": DELETE,
        "undelete": UNDELETE,
    }
    assert DEFAULT_DEADLINES == {
        "create": 900,
        "clone": 3600,
        "import": 21600,
        "upgrade": 1800,
        "rollback": 3600,
        "set": 900,
        "restart": 600,
        "reset": 600,
        "pause": 3600,
        "wake": 600,
        "backup": 3600,
        "prove": 3600,
        "restore": 3600,
        "delete": 3600,
        "undelete": 3600,
    }
