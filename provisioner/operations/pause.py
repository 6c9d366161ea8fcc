"""The operation `pause`: closes a store, backs it up and stops all its pods. Its data and its address are kept."""

from __future__ import annotations

from dataclasses import replace

from provisioner.domain.backup import Reason
from provisioner.domain.errors import Problem, StorewrightError
from provisioner.domain.job import EventKind, Job, JobKind, find_event
from provisioner.domain.policy import Right
from provisioner.domain.store import SECRET_NAME, Store, StoreStatus
from provisioner.operations.namespace_metadata import CHECK_BEFORE
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.backup_before import NO_BACKUP
from provisioner.operations.steps.backup_job import end_backup, grant_access, has_backups
from provisioner.operations.steps.chart_job import await_clones
from provisioner.operations.steps.kept_store import make_kept_backup
from provisioner.operations.steps.rollback import CANCELLED, ROLLBACK, change_or_restore, failed_twice, insist
from provisioner.operations.steps.sleep import (
    Secret,
    Sleep,
    close_for_sleep,
    let_visitors_in,
    note_sleep,
    sleep_of,
    start_all,
    stop_database,
)
from provisioner.operations.steps.storefront import INSPECT, await_working, check_before, note_check_before
from provisioner.operations.toolbox import Toolbox

CLOSE = "close"


def run(tools: Toolbox, job: Job) -> None:
    """Put the store to sleep, or open it again if that fails. Raises what Operation.run raises."""
    change_or_restore(tools, job, _go_forward, _go_back)


def _go_forward(tools: Toolbox, job: Job, store: Store, secret: Secret) -> None:
    with tools.stage(job, INSPECT.name):
        passed = note_check_before(tools, job, store, secret)
    if not sleep_of(tools, store):
        with tools.stage(job, CLOSE):
            await_clones(tools, job, store, secret)
            close_for_sleep(tools, job, store, secret)
        backup = _back_up(tools, job, store, secret, served=passed > 0)
        note_sleep(tools.cluster, store, Sleep(passed, backup))
    with tools.stage(job, "database") as results:
        stop_database(tools, job, store, secret)
        results += [f"While it sleeps, a visit of {store.url} wakes it."] if tools.defaults.waker_address else []
    tools.cluster.annotate_namespace(store.namespace, {CHECK_BEFORE: None})
    tools.ledger.succeed(job)


def _back_up(tools: Toolbox, job: Job, store: Store, secret: Secret, *, served: bool) -> str:
    """The id of a backup of what goes to sleep, so that nothing of it is lost with its volumes; or NO_BACKUP."""
    if not tools.defaults.backup_server or not has_backups(tools.cluster, store):
        return NO_BACKUP
    with tools.stage(job, "backup"):
        grant_access(tools, store)
        return make_kept_backup(tools, job, store, secret, Reason.BEFORE_PAUSE, served=served).id


def _go_back(tools: Toolbox, job: Job, store: Store, secret: Secret, problem: Problem) -> None:
    """Open the shop again. Raises JobFailed if that fails too, Superseded or HandedOver."""
    if not find_event(tools.ledger.events(job.id), EventKind.STARTED, CLOSE):
        return
    job = replace(job, deadline_at=tools.ledger.clock() + job.allowed)
    try:
        tools.ledger.start_rollback(job, problem)
        with tools.stage(job, ROLLBACK.name):
            insist(tools, job, lambda: start_all(tools, job, store, secret))
            insist(tools, job, lambda: let_visitors_in(tools, store))
            insist(tools, job, lambda: await_working(tools, job, store, secret, check_before(tools, store)))
        insist(tools, job, lambda: tools.cluster.annotate_namespace(store.namespace, {CHECK_BEFORE: None}))
    except StorewrightError as trouble:
        raise failed_twice(problem, f"{store.name} could not be opened again", trouble) from trouble


def undo(tools: Toolbox, job: Job) -> None:
    """Open the shop again if it was closed, and stop the backup."""
    store = tools.store_of(job)
    _go_back(tools, job, store, tools.cluster.read_secret(store.namespace, SECRET_NAME), CANCELLED)
    end_backup(tools, job, store)
    tools.cluster.annotate_namespace(store.namespace, {CHECK_BEFORE: None})
    tools.ledger.end_cancelled(job)


PAUSE = Operation(
    kind=JobKind("pause"),
    run=run,
    stages=(
        INSPECT,
        Stage(CLOSE, "Close the shop", "Shop closed"),
        Stage("backup", "Back the store up", "Store backed up"),
        Stage("database", "Stop the database", "Database stopped"),
        replace(ROLLBACK, title="Open the shop again", done="The shop is open again"),
    ),
    deadline_seconds=3600,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.READY}),
    uses_backups=False,
    needs_backup=False,
    resets_login=False,
    status_when_ordered=None,
    status_when_succeeded=StoreStatus.ASLEEP,
    status_when_failed=StoreStatus.FAILED,
    changes_store_at=CLOSE,
    rolls_back=True,
    replaces_live_job=False,
    undo=undo,
    last_stage=None,
    status_when_cancelled=None,
    instead_of_cancel="",
    participle="paused",
    gerund="pausing",
)
