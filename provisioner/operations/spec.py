"""Operation: everything the rest of the code needs to know about one kind of job.

The fields have no defaults, so that an operation that leaves one out neither type-checks nor starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provisioner.domain.job import Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import StoreStatus
from provisioner.operations.toolbox import Toolbox


@dataclass(frozen=True)
class Stage:
    """A named part of a job: `title` names the work ("Install the chart"), `done` its result ("Chart installed").

    An `exceptional` stage is shown only once it has started."""

    name: str
    title: str
    done: str
    exceptional: bool = False


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One kind of job.

    `run` does the work; it can be entered again after an interruption. It raises JobFailed, StoreUnchanged, Transient,
    Superseded or HandedOver.
    `right` is needed to order it, and the store must be in one of the states `orderable_when`. With `uses_backups`, the
    store's type must describe backups. With `needs_backup`, the argument `backup` of the order is the id of one of the
    store's backups. With `resets_login`, the store's type must describe how its admin's password is reset; its order
    ends the store's open one-time links, and there are none to its credentials until its job has ended.
    A `status_when_…` is the store's status after that transition; None leaves it as it is.
    `changes_store_at` is the stage that first changes the store: a job that fails before it leaves its status as
    it is (None: the order itself changes it). With `rolls_back`, a job that fails later restores the store first.
    `replaces_live_job`: its order supersedes the store's queued or running job; otherwise that job refuses it.
    `undo` takes back what a cancelled job did. It can be entered again, ends the job with `tools.ledger.end_cancelled`,
    and raises what `run` raises. Without one, or from the `last_stage` on (None for none), a job can't be cancelled;
    `instead_of_cancel` says what people can do instead, with {name} for the store's name.
    `participle` completes "… could not be", `gerund` completes "Stopped"."""

    kind: JobKind
    run: Callable[[Toolbox, Job], None]
    stages: tuple[Stage, ...]
    deadline_seconds: float
    right: Right
    orderable_when: frozenset[StoreStatus]
    uses_backups: bool
    needs_backup: bool
    resets_login: bool
    status_when_ordered: StoreStatus | None
    status_when_succeeded: StoreStatus | None
    status_when_failed: StoreStatus | None
    changes_store_at: str | None
    rolls_back: bool
    replaces_live_job: bool
    undo: Callable[[Toolbox, Job], None] | None
    last_stage: str | None
    status_when_cancelled: StoreStatus | None
    instead_of_cancel: str
    participle: str
    gerund: str

    def carry_out(self, tools: Toolbox, job: Job) -> None:
        """Do the job's work, or take it back if the job is cancelled. Raises what `run` raises."""
        act = self.undo if job.cancelled_by and self.undo else self.run
        act(tools, job)

    @property
    def stage_names(self) -> tuple[str, ...]:
        return tuple(stage.name for stage in self.stages)

    def stage(self, name: str) -> Stage:
        """The stage, or one called by its bare name if a former version had it."""
        return next((stage for stage in self.stages if stage.name == name), Stage(name, name, name))
