"""The operation `wake`: starts a sleeping store, and ends when its shop answers."""

from __future__ import annotations

from dataclasses import replace

from provisioner.domain.errors import JobFailed, Problem, StorewrightError
from provisioner.domain.job import Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import SECRET_NAME, Store, StoreStatus
from provisioner.operations.namespace_metadata import CHECK_BEFORE
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.rollback import CANCELLED, ROLLBACK, change_or_restore, insist
from provisioner.operations.steps.sleep import (
    Secret,
    close_for_sleep,
    let_visitors_in,
    sleep_of,
    start_all,
    stop_database,
)
from provisioner.operations.steps.storefront import STOREFRONT, await_home_page, check_before
from provisioner.operations.toolbox import Toolbox

START = "start"


def run(tools: Toolbox, job: Job) -> None:
    """Wake the store. One whose pods don't start goes back to sleep. Raises what Operation.run raises."""
    change_or_restore(tools, job, _go_forward, _go_back)


def _go_forward(tools: Toolbox, job: Job, store: Store, secret: Secret) -> None:
    with tools.stage(job, START):
        if sleep := sleep_of(tools, store):
            note = {CHECK_BEFORE: f"{job.id} {sleep.passed}"}  # for later attempts, once the note of the sleep is gone
            tools.cluster.annotate_namespace(store.namespace, note)
        start_all(tools, job, store, secret)
    with tools.stage(job, STOREFRONT.name):
        let_visitors_in(tools, store)
        await_home_page(tools, job, store, secret, required=min(check_before(tools, store) or 0, 1))
    tools.cluster.annotate_namespace(store.namespace, {CHECK_BEFORE: None})
    tools.ledger.succeed(job)


def _go_back(tools: Toolbox, job: Job, store: Store, secret: Secret, problem: Problem) -> None:
    """Put the store back to sleep, unless shoppers may have been in it: its backup would lack what they did.

    Raises JobFailed if it stays awake, Superseded or HandedOver."""
    job = replace(job, deadline_at=tools.ledger.clock() + job.allowed)
    try:
        if not insist(tools, job, lambda: sleep_of(tools, store)):
            raise JobFailed.of(problem)
        tools.ledger.start_rollback(job, problem)
        with tools.stage(job, ROLLBACK.name):
            insist(tools, job, lambda: close_for_sleep(tools, job, store, secret))
            insist(tools, job, lambda: stop_database(tools, job, store, secret))
    except StorewrightError as trouble:
        raise JobFailed.of(problem) from trouble


def undo(tools: Toolbox, job: Job) -> None:
    """Put the store back to sleep. If shoppers may be in it already, it comes too late: the store is woken."""
    store = tools.store_of(job)
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    if sleep_of(tools, store):
        _go_back(tools, job, store, secret, CANCELLED)
        tools.cluster.annotate_namespace(store.namespace, {CHECK_BEFORE: None})
        tools.ledger.end_cancelled(job)
    else:
        _go_forward(tools, job, store, secret)


WAKE = Operation(
    kind=JobKind("wake"),
    run=run,
    stages=(
        Stage(START, "Start the database and the application", "Database and application are up"),
        STOREFRONT,
        replace(ROLLBACK, title="Put the store back to sleep", done="The store is asleep again"),
    ),
    deadline_seconds=600,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.ASLEEP}),
    uses_backups=False,
    needs_backup=False,
    resets_login=False,
    status_when_ordered=None,
    status_when_succeeded=StoreStatus.READY,
    status_when_failed=StoreStatus.FAILED,
    changes_store_at=START,
    rolls_back=True,
    replaces_live_job=False,
    undo=undo,
    last_stage=STOREFRONT.name,
    status_when_cancelled=None,
    instead_of_cancel="Wait until it is awake. To put it back to sleep then: /store pause {name}",
    participle="woken",
    gerund="waking",
)
