"""The operation `clone`: creates a store with the data of another one, with an address, a login and keys of its own."""

from __future__ import annotations

from provisioner.domain.backup import Backup, Reason
from provisioner.domain.job import Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import SECRET_NAME, Store, StoreStatus
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.backup_job import (
    arguments_for,
    end_backup,
    grant_access,
    is_loaded,
    make_backup,
    served_before,
    start_backup,
)
from provisioner.operations.steps.chart_job import FOR_CLONE
from provisioner.operations.steps.claims import sizes_of
from provisioner.operations.steps.from_backup import (
    FILL,
    INSTALL,
    OPEN,
    fill_store,
    install_closed,
    open_filled_store,
)
from provisioner.operations.steps.preparation import PREPARE, prepare_store
from provisioner.operations.steps.removal import DISCARD, discard_store
from provisioner.operations.toolbox import Toolbox


def arguments_of(source: Store, backup: Backup | None) -> dict[str, str]:
    """The arguments of a job that copies the store as it is now, or as it was in the backup."""
    return {"source": source.id, "source_name": source.name, **(arguments_for(backup) if backup else {})}


def run(tools: Toolbox, job: Job) -> None:
    """Create the store, or go on from what is in the cluster. Raises what Operation.run raises."""
    store, source = tools.store_of(job), tools.source_of(job)
    backup, served = job.arguments.get("backup", ""), served_before(job)
    filled = is_loaded(tools, job)
    if not backup and not filled:
        grant_access(tools, source)
        start_backup(tools, job, source, Reason.FOR_CLONE, again=FOR_CLONE)  # it is made while the store is installed
    secret = prepare_store(tools, job, store)
    if not filled:
        install_closed(tools, job, store, secret, sizes_of(tools, source))
    if not backup:
        with tools.stage(job, "backup"):
            made = _await_backup(tools, job, source)
            backup, served = made.id, made.served
    if not filled:
        fill_store(tools, job, store, secret, backup, source=source, moved_from=source.url)
    open_filled_store(tools, job, store, secret, served=served)


def _await_backup(tools: Toolbox, job: Job, source: Store) -> Backup:
    """The backup of the source as it is. Its shop and its own jobs go on."""
    secret = tools.cluster.read_secret(source.namespace, SECRET_NAME)
    return make_backup(tools, job, source, secret, Reason.FOR_CLONE, again=FOR_CLONE)


def undo(tools: Toolbox, job: Job) -> None:
    """Stop the backup of the source, and remove what the job made of the clone."""
    source = tools.source_of(job)
    if tools.cluster.namespace(source.namespace):  # it may be deleted meanwhile, and with it our rights in it
        end_backup(tools, job, source, again=FOR_CLONE)
    discard_store(tools, job, tools.store_of(job))
    tools.ledger.end_cancelled(job)


CLONE = Operation(
    kind=JobKind("clone"),
    run=run,
    stages=(
        *PREPARE,
        *INSTALL,
        Stage("backup", "Back up the store to clone", "Backed up the store to clone"),
        *FILL,
        *OPEN,
        DISCARD,
    ),
    deadline_seconds=3600,
    right=Right.ANYONE,  # of the new store; the order needs more of the other one
    orderable_when=frozenset(),  # there is no store yet
    uses_backups=True,
    needs_backup=False,
    resets_login=False,
    status_when_ordered=StoreStatus.CREATING,
    status_when_succeeded=StoreStatus.READY,
    status_when_failed=StoreStatus.FAILED,
    changes_store_at=None,
    rolls_back=False,
    replaces_live_job=False,
    undo=undo,
    last_stage=None,
    status_when_cancelled=StoreStatus.DELETED,
    instead_of_cancel="",
    participle="made as a clone",
    gerund="making the clone",
)
