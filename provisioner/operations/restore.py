"""The operation `restore`: brings a store's database and uploads back from a backup, or leaves them as they were."""

from __future__ import annotations

from dataclasses import replace

from provisioner.domain.backup import Backup, Reason
from provisioner.domain.errors import JobFailed, Problem, StorewrightError
from provisioner.domain.job import EventKind, Job, JobKind, find_event
from provisioner.domain.policy import Right
from provisioner.domain.store import SECRET_NAME, Store, StoreStatus
from provisioner.operations.namespace_metadata import BACKUP_BEFORE, CHECK_BEFORE
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.backup_before import NO_BACKUP, backup_before, bring_back, note_backup_before
from provisioner.operations.steps.backup_job import (
    LOAD,
    arguments_for,
    end_backup,
    grant_access,
    is_loaded,
    load_backup,
    load_started,
    make_backup,
    served_before,
)
from provisioner.operations.steps.chart_job import await_clones
from provisioner.operations.steps.rollback import CANCELLED, ROLLBACK, change_or_restore, failed_twice, insist
from provisioner.operations.steps.shop import close_shop, open_shop
from provisioner.operations.steps.storefront import (
    INSPECT,
    STOREFRONT,
    await_home_page,
    await_working,
    check_before,
    note_check_before,
)
from provisioner.operations.toolbox import Toolbox

Secret = dict[str, str]


def arguments_of(backup: Backup, *, back_up_first: bool) -> dict[str, str]:
    """The arguments of a job that restores this backup."""
    made_at, first = str(backup.made_at), str(back_up_first)
    return {**arguments_for(backup), "made_at": made_at, "back_up_first": first}


def run(tools: Toolbox, job: Job) -> None:
    """Restore the backup, or go on where an interrupted attempt stopped. Raises what Operation.run raises."""
    change_or_restore(tools, job, _go_forward, _go_back)


def _go_forward(tools: Toolbox, job: Job, store: Store, secret: Secret) -> None:
    with tools.stage(job, "access"):
        grant_access(tools, store)
    with tools.stage(job, INSPECT.name):
        note_check_before(tools, job, store, secret)
    before = _back_up_first(tools, job, store, secret)
    if not is_loaded(tools, job):
        with tools.stage(job, "stop"):
            await_clones(tools, job, store, secret)
            note_backup_before(tools, job, store, before)
            close_shop(tools, job, store, secret)
        with tools.stage(job, LOAD):
            load_backup(tools, job, store, secret, job.arguments["backup"])
    with tools.stage(job, "application"):
        open_shop(tools, job, store, secret)
    with tools.stage(job, STOREFRONT.name):
        await_home_page(tools, job, store, secret, required=int(served_before(job)))
    _forget(tools, store)
    tools.ledger.succeed(job)


def _back_up_first(tools: Toolbox, job: Job, store: Store, secret: Secret) -> str:
    """The id of a backup of how the store was before the job and before what it retries, or NO_BACKUP."""
    if before := backup_before(tools, job, store):
        return before  # the shop is closed since then, and half of the restored data may be there
    if job.arguments["back_up_first"] != str(True):
        return NO_BACKUP
    with tools.stage(job, "backup"):
        return make_backup(tools, job, store, secret, Reason.BEFORE_RESTORE).id


def _go_back(tools: Toolbox, job: Job, store: Store, secret: Secret, problem: Problem) -> None:
    """Bring back what the backup before the job holds. Raises JobFailed if that fails too, Superseded or HandedOver."""
    job = replace(job, deadline_at=tools.ledger.clock() + job.allowed)
    try:
        before = insist(tools, job, lambda: backup_before(tools, job, store))
        if not before:
            return
        tools.ledger.start_rollback(job, problem)
        with tools.stage(job, ROLLBACK.name):
            if insist(tools, job, lambda: _replaces_data(tools, job, store)):
                if before == NO_BACKUP:
                    raise JobFailed("There is no backup of how it was.", "The order asked for none.")
                insist(tools, job, lambda: bring_back(tools, job, store, secret, before))
            insist(tools, job, lambda: open_shop(tools, job, store, secret))
            insist(tools, job, lambda: await_working(tools, job, store, secret, check_before(tools, store)))
        insist(tools, job, lambda: _forget(tools, store))
    except StorewrightError as trouble:
        raise failed_twice(problem, f"{store.name} could not be brought back as it was", trouble) from trouble


def _replaces_data(tools: Toolbox, job: Job, store: Store) -> bool:
    """Whether this job, or the one that it retries, began to replace the data. Before, the shop is only closed."""
    began = find_event(tools.ledger.events(job.id), EventKind.STARTED, LOAD)
    return bool(job.retry_of or began or load_started(tools, job, store, job.arguments["backup"]))


def _forget(tools: Toolbox, store: Store) -> None:
    tools.cluster.annotate_namespace(store.namespace, {BACKUP_BEFORE: None, CHECK_BEFORE: None})


def undo(tools: Toolbox, job: Job) -> None:
    """Stop the backup, and bring back what was there.

    If the former data is being replaced and no backup has it, it comes too late: the store is restored."""
    store = tools.store_of(job)
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    end_backup(tools, job, store)
    if backup_before(tools, job, store) == NO_BACKUP and _replaces_data(tools, job, store):
        _go_forward(tools, job, store, secret)
    else:
        _go_back(tools, job, store, secret, CANCELLED)
        _forget(tools, store)
        tools.ledger.end_cancelled(job)


RESTORE = Operation(
    kind=JobKind("restore"),
    run=run,
    stages=(
        Stage("access", "Connect to the backup server", "Connected to the backup server"),
        INSPECT,
        Stage("backup", "Back the store up as it is", "Backed up as it was"),
        Stage("stop", "Close the shop", "Shop closed"),
        Stage(LOAD, "Bring back the database and the uploads", "Database and uploads are back"),
        Stage("application", "Start the application", "Application is up"),
        STOREFRONT,
        replace(ROLLBACK, title="Bring back what was there before", done="What was there before is back"),
    ),
    deadline_seconds=3600,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.READY, StoreStatus.FAILED}),
    uses_backups=True,
    needs_backup=True,
    resets_login=False,
    status_when_ordered=None,
    status_when_succeeded=StoreStatus.READY,
    status_when_failed=StoreStatus.FAILED,
    changes_store_at="stop",
    rolls_back=True,
    replaces_live_job=False,
    undo=undo,
    last_stage=None,
    status_when_cancelled=None,
    instead_of_cancel="",
    participle="restored",
    gerund="restoring",
)
