"""The operation `delete`: makes a last backup, removes the store's namespace with everything in it, then waits for its
volumes."""

from __future__ import annotations

from dataclasses import replace

from provisioner.clients.kubernetes.objects import Object, is_terminating
from provisioner.domain.backup import Reason
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import SECRET_NAME, Store, StoreStatus
from provisioner.operations.namespace_metadata import READY_AT, annotation, belongs_to
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.backup_before import NO_BACKUP
from provisioner.operations.steps.backup_job import grant_access
from provisioner.operations.steps.claims import sizes_of
from provisioner.operations.steps.kept_store import KeptStore, keep_store, make_kept_backup
from provisioner.operations.steps.removal import REMOVAL_SECONDS, await_volumes, remove_namespace
from provisioner.operations.steps.sleep import Sleep, sleep_in
from provisioner.operations.toolbox import Toolbox

FOR_GOOD = {"now": "true"}  # the arguments of a job that makes no last backup and lets the others be removed
DAY_SECONDS = 86_400


def run(tools: Toolbox, job: Job) -> None:
    """Delete the store.

    Raises JobFailed if its last backup fails, and then nothing is deleted, or with what blocks the end of its
    namespace."""
    store = tools.store_of(job)
    namespace = tools.cluster.namespace(store.namespace)
    # Somebody else's namespace of that name is why the store could not be created. It is left alone, and its volumes.
    foreign = namespace is not None and not belongs_to(namespace, store, tools.defaults.instance)
    if namespace and not foreign and not is_terminating(namespace):
        _keep(tools, job, store, namespace)
    seconds = min(job.allowed, REMOVAL_SECONDS)
    job = replace(job, allowed=seconds, deadline_at=min(job.deadline_at, tools.ledger.clock() + seconds))
    with tools.stage(job, "namespace"):
        if not foreign:
            remove_namespace(tools, job, store)
    with tools.stage(job, "volumes"):
        if not foreign:
            await_volumes(tools, job, store)
    tools.ledger.succeed(job)


def _keep(tools: Toolbox, job: Job, store: Store, namespace: Object) -> None:
    """Make the backup from which the deletion can be undone, if the order and the settings want that."""
    store_type = tools.catalog.types.get(store.type)
    if job.arguments == FOR_GOOD:
        tools.ledger.keep_until(store.id, tools.ledger.clock())
    elif not (tools.defaults.undelete_days and tools.defaults.backup_server and store_type and store_type.has_backups):
        tools.ledger.keep_until(store.id, None)
    elif annotation(namespace, READY_AT):  # otherwise there is nothing to keep but what a former deletion kept
        with tools.stage(job, "backup"):
            _back_up(tools, job, store, sleep_in(namespace))


def _back_up(tools: Toolbox, job: Job, store: Store, sleep: Sleep | None) -> None:
    try:
        secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
        until = tools.ledger.clock() + tools.defaults.undelete_days * DAY_SECONDS
        if sleep and sleep.backup != NO_BACKUP:  # it holds all, and the database does not run
            kept = KeptStore(store, sleep.passed > 0, deleted=True, sizes=sizes_of(tools, store))
            keep_store(tools, kept, secret)
        else:
            grant_access(tools, store)
            made = make_kept_backup(tools, job, store, secret, Reason.BEFORE_DELETION)
            until = made.made_at + tools.defaults.undelete_days * DAY_SECONDS
    except JobFailed as failure:
        found = failure.problem
        what = f"Nothing was deleted, because the last backup failed: {found.what}"
        next_step = f"Fix the cause and retry, or delete it without a backup: /store delete {store.name} now"
        raise JobFailed(what, found.cause, next_step, found.log_tail) from failure
    tools.ledger.keep_until(store.id, until)


DELETE = Operation(
    kind=JobKind("delete"),
    run=run,
    stages=(
        Stage("backup", "Make a last backup", "Last backup made"),
        Stage("namespace", "Remove the namespace", "Namespace removed"),
        Stage("volumes", "Remove the volumes", "Volumes removed"),
    ),
    deadline_seconds=3600,
    right=Right.MANAGE,
    orderable_when=frozenset(StoreStatus) - {StoreStatus.DELETED},
    uses_backups=False,
    needs_backup=False,
    resets_login=False,
    status_when_ordered=StoreStatus.DELETING,
    status_when_succeeded=StoreStatus.DELETED,
    status_when_failed=StoreStatus.FAILED,
    changes_store_at=None,
    rolls_back=False,
    replaces_live_job=True,
    undo=None,
    last_stage=None,
    status_when_cancelled=None,
    instead_of_cancel="Wait until it is deleted. /store status {name} says then whether it can be undeleted.",
    participle="deleted",
    gerund="deleting",
)
