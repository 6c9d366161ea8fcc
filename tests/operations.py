"""A made-up operation, and how a test registers one."""

from __future__ import annotations

from typing import cast

import pytest

from provisioner.domain.job import Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import StoreStatus
from provisioner.operations import registry
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.toolbox import Toolbox


def succeed(tools: Toolbox, job: Job) -> None:
    """The work of DUST: both stages, then success."""
    for name in DUST.stage_names:
        with tools.stage(job, name):
            pass
    tools.ledger.succeed(job)


def take_back(tools: Toolbox, job: Job) -> None:
    """The undo of DUST."""
    tools.require_wanted(job)
    tools.ledger.end_cancelled(job)


DUST = Operation(
    kind=JobKind("dust"),
    run=succeed,
    stages=(Stage("look", "Look at the shelves", "Shelves seen"), Stage("wipe", "Wipe them", "Shelves wiped")),
    deadline_seconds=60,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.READY}),
    uses_backups=False,
    needs_backup=False,
    resets_login=False,
    status_when_ordered=None,
    status_when_succeeded=None,
    status_when_failed=None,
    changes_store_at="wipe",
    rolls_back=False,
    replaces_live_job=False,
    undo=take_back,
    last_stage=None,
    status_when_cancelled=None,
    instead_of_cancel="",
    participle="dusted",
    gerund="dusting",
)


def registered(monkeypatch: pytest.MonkeyPatch, operation: Operation) -> Operation:
    """Register an operation, in place of one of the same kind, until the test ends."""
    operations = cast(dict[JobKind, Operation], registry.OPERATIONS)
    monkeypatch.setitem(operations, operation.kind, operation)
    monkeypatch.setitem(registry.DEFAULT_DEADLINES, operation.kind, operation.deadline_seconds)
    return operation
