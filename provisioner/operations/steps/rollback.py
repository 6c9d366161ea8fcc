"""The steps of jobs that restore the store when they fail, and the rollback of one that changed the release.

Once a rollback has started, no later attempt of that job goes forward again. While a job changes the release, the
namespace carries the revision to roll back to."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from provisioner.domain.backup import Reason
from provisioner.domain.errors import (
    HandedOver,
    JobFailed,
    Problem,
    StoreUnchanged,
    StorewrightError,
    Superseded,
    Transient,
)
from provisioner.domain.job import ROLLBACK_STAGE, EventKind, Job, JobPhase, find_event, unexpected_problem
from provisioner.domain.store import SECRET_NAME, Store
from provisioner.operations.namespace_metadata import BACKUP_BEFORE, CHECK_BEFORE, UPGRADE_FROM, VERSION, note_of
from provisioner.operations.spec import Stage
from provisioner.operations.steps.backup_before import NO_BACKUP, backup_before, bring_back
from provisioner.operations.steps.backup_job import LOAD, SHORT_ID, load_started, make_backup
from provisioner.operations.steps.hand_edits import restore_revision
from provisioner.operations.steps.readiness import await_database, monitoring
from provisioner.operations.steps.shop import UNUSED_SECONDS, close_shop, open_shop
from provisioner.operations.steps.storefront import await_working, check_before
from provisioner.operations.toolbox import Toolbox

T = TypeVar("T")
MIGRATION = "migration"  # the component of a chart's pre-upgrade Job
RETRY_SECONDS = 1.0
LOAD_SECONDS = 3600.0  # that a backup of the migrated data and the return of the former data may take
LONGEST_RETRY_SECONDS = 60.0  # a job with less time left does not wait for another attempt
log = logging.getLogger(__name__)

CANCELLED = Problem("The job was cancelled.")
ROLLBACK = Stage(ROLLBACK_STAGE, "Restore the former version", "The former version is back", exceptional=True)


def forward_or_back(tools: Toolbox, job: Job, go: Callable[[], None], go_back: Callable[[Problem], None]) -> None:
    """Do a job's work; if it fails for good, restore the store with `go_back`, which does nothing if nothing changed.

    Raises StoreUnchanged once the store is restored, and what Operation.run raises."""
    try:
        if job.phase == JobPhase.ROLLBACK and job.problem:
            raise JobFailed.of(job.problem)
        go()
    except (Superseded, HandedOver):
        raise
    except Exception as error:
        time_left = tools.ledger.clock() + LONGEST_RETRY_SECONDS < job.deadline_at
        if isinstance(error, Transient) and time_left:
            raise
        problem = _problem_of(job, error)
        go_back(problem)
        raise StoreUnchanged.of(problem) from error


def change_or_restore(
    tools: Toolbox,
    job: Job,
    change: Callable[[Toolbox, Job, Store, dict[str, str]], None],
    restore: Callable[[Toolbox, Job, Store, dict[str, str], Problem], None],
) -> None:
    """`forward_or_back` for a store whose Secret both ways need. Raises what Operation.run raises."""
    store = tools.store_of(job)
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    forward_or_back(
        tools,
        job,
        lambda: change(tools, job, store, secret),
        lambda problem: restore(tools, job, store, secret, problem),
    )


def failed_twice(
    problem: Problem, what: str, trouble: StorewrightError, next_step: str = "Fix the cause, then retry."
) -> JobFailed:
    """The error of a job that failed, and whose store could not be restored: `what` says so."""
    cause = f"{problem.cause} {trouble.problem.cause}".strip()
    return JobFailed(f"{problem.what} {what}: {trouble.problem.what}", cause, next_step, problem.log_tail)


def _problem_of(job: Job, error: Exception) -> Problem:
    if isinstance(error, StorewrightError):
        return error.problem
    log.error("the job failed with an unexpected error", exc_info=error)
    return unexpected_problem(job)


def roll_back(tools: Toolbox, job: Job, store: Store, problem: Problem, *, closed: bool = False) -> None:
    """Wait until the former release answers. Does nothing if the job changed nothing.

    `closed`: the job has closed the shop. Raises JobFailed if that fails too, Superseded or HandedOver."""
    allowed = tools.defaults.rollback_seconds  # the job's own deadline does not limit the rollback
    limited = replace(job, allowed=allowed, deadline_at=tools.ledger.clock() + allowed)
    try:
        revision = insist(tools, limited, lambda: marked_revision(tools, store))
        if revision is None:
            return
        if closed or insist(tools, limited, lambda: _is_changed(tools, store, revision)):
            tools.ledger.start_rollback(job, problem)
            with tools.stage(job, ROLLBACK.name) as results:
                results += _run_former(tools, limited, store, revision)
        over = {UPGRADE_FROM: None, CHECK_BEFORE: None, BACKUP_BEFORE: None}
        insist(tools, limited, lambda: tools.cluster.annotate_namespace(store.namespace, over))
    except StorewrightError as trouble:
        what, next_step = "Its former version could not be restored", trouble.problem.next_step
        raise failed_twice(problem, what, trouble, next_step) from trouble


def end_as_before(tools: Toolbox, job: Job, store: Store) -> None:
    """End a cancelled job after `roll_back`. The store runs the new version if the job was done a moment before."""
    if version := note_of(tools.cluster, store, VERSION):
        tools.ledger.set_version(store.id, version)
    tools.ledger.end_cancelled(job)


def insist(tools: Toolbox, job: Job, act: Callable[[], T]) -> T:
    """Call `act` until it succeeds or fails for good, or the deadline has passed."""
    while True:
        try:
            return act()
        except Transient as trouble:
            tools.check_in(job, f"{job.store} was not restored", str(trouble))
            time.sleep(RETRY_SECONDS)


def marked_revision(tools: Toolbox, store: Store) -> int | None:
    """The revision to roll back to; None if no job has begun to change the release."""
    mark = note_of(tools.cluster, store, UPGRADE_FROM)
    return int(mark) if mark else None


def _is_changed(tools: Toolbox, store: Store, revision: int) -> bool:
    release = tools.cluster.release(store.namespace, store.release)
    return not release or release.revision != revision or release.status != "deployed"


def _restore(tools: Toolbox, store: Store, revision: int) -> None:
    for name in tools.cluster.active_jobs(store.namespace, MIGRATION):
        tools.cluster.stop_job(store.namespace, name)  # a late migration would change the restored data
    restore_revision(tools, store, revision)


def _run_former(tools: Toolbox, job: Job, store: Store, revision: int) -> list[str]:
    """Restore the former version, with its data if the job has replaced it, or if it can't run with the migrated data.

    Returns what people should know about their data. Raises JobFailed, Superseded or HandedOver."""
    before = insist(tools, job, lambda: backup_before(tools, job, store))
    has_backup = before not in ("", NO_BACKUP)
    if find_event(tools.ledger.events(job.id), EventKind.STARTED, LOAD):
        if not has_backup:
            raise JobFailed("There is no backup of the data as it was.")
        insist(tools, job, lambda: _restore(tools, store, revision))
        insist(tools, job, lambda: _close_and_await_database(tools, job, store))
        _load(tools, job, store, before)
        return []
    if not has_backup or not insist(tools, job, lambda: load_started(tools, job, store, before)):
        insist(tools, job, lambda: _restore(tools, store, revision))
        try:
            insist(tools, job, lambda: _await_former(tools, job, store))
            return []
        except JobFailed:
            if not has_backup:
                raise
    return [_bring_data_back(tools, job, store, before)]


def _bring_data_back(tools: Toolbox, job: Job, store: Store, before: str) -> str:
    """Returns a sentence for the job's result."""
    since = _keep_migrated(tools, job, store)
    _load(tools, job, store, before)
    return f"The former version could not run with the migrated data: the data is as it was before, too. {since}"


def _load(tools: Toolbox, job: Job, store: Store, before: str) -> None:
    """Bring the data of the backup before the job back, and wait until the shop works."""
    job = replace(job, allowed=LOAD_SECONDS, deadline_at=tools.ledger.clock() + LOAD_SECONDS)
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    insist(tools, job, lambda: bring_back(tools, job, store, secret, before))
    insist(tools, job, lambda: open_shop(tools, job, store, secret))
    insist(tools, job, lambda: _await_former(tools, job, store))


def _keep_migrated(tools: Toolbox, job: Job, store: Store) -> str:
    """Back the migrated data up, because people may have ordered while it was migrated. Returns a sentence."""
    job = replace(job, allowed=LOAD_SECONDS, deadline_at=tools.ledger.clock() + LOAD_SECONDS)
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    try:
        kept = insist(
            tools, job, lambda: make_backup(tools, job, store, secret, Reason.AFTER_FAILED_UPGRADE, again="-migrated")
        )
        return f"What was ordered since is in the backup {kept.id[:SHORT_ID]}."
    except JobFailed as error:
        return f"What was ordered since is lost: {error.problem.what}"


def _close_and_await_database(tools: Toolbox, job: Job, store: Store) -> None:
    """Helm has opened the shop, for data that is about to go."""
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    close_shop(tools, job, store, secret, grace_seconds=UNUSED_SECONDS)
    await_database(tools, job, store, secret, tools.ledger.clock())


def _await_former(tools: Toolbox, job: Job, store: Store) -> None:
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    with monitoring(tools, job, store, secret, tools.ledger.clock()) as monitor:
        for component in monitor.components():
            monitor.await_ready(component)
    await_working(tools, job, store, secret, check_before(tools, store))
