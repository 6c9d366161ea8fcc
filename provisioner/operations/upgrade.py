"""From one version of a chart to today's, with all data: migrated, watched until it serves, or put back as it was.

While it is under way the namespace carries the revision to go back to. Until helm begins nothing is changed; once a way
back was begun, no later attempt goes forward again."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TypeVar

from provisioner.clients.helm import HookFailed, Release
from provisioner.clients.kubernetes.objects import unready_pods
from provisioner.clients.storefront_check import StorefrontClient
from provisioner.diagnosis import ended_badly
from provisioner.domain.catalog import StoreType
from provisioner.domain.errors import (
    HandedOver,
    JobFailed,
    Problem,
    StoreUnchanged,
    StorewrightError,
    Superseded,
    Transient,
)
from provisioner.domain.job import LONGEST_PAUSE, RELEASE, ROLLBACK, EventKind, Job, find, surprise
from provisioner.domain.store import PREFIX, SECRET_NAME, Store, release_name
from provisioner.operations.steps.prepare import ensure_limits, ensure_secret, wanted_release
from provisioner.operations.steps.readiness import RolloutMonitor, await_answer, await_store, failure, watching
from provisioner.operations.toolbox import Toolbox

T = TypeVar("T")
MARK = PREFIX + "upgrade-from"  # the namespace's annotation: the revision to go back to
MIGRATION = "migration"  # the component of a chart's pre-upgrade Job
BACK_WITHIN = 300.0  # seconds for the way back, which the job's own deadline does not bound
TRY_AGAIN = 1.0  # seconds between attempts on the way back
log = logging.getLogger(__name__)


def run(tools: Toolbox, job: Job) -> None:
    """Raises StoreUnchanged (undone, or not even begun), JobFailed, Transient, Superseded or HandedOver; can be entered
    again."""
    store = tools.store_of(job)
    try:
        if problem := _given_up(tools, job):
            raise JobFailed.of(problem)
        _go_forward(tools, job, store)
    except (Superseded, HandedOver):
        raise
    except Exception as error:
        time_left = tools.ledger.clock() + LONGEST_PAUSE < job.deadline_at
        if isinstance(error, Transient) and time_left:
            raise
        problem = _told(job, error)
        _go_back(tools, job, store, problem)
        raise StoreUnchanged.of(problem) from error


def _given_up(tools: Toolbox, job: Job) -> Problem | None:
    """Why a former attempt went back, in the midst of which it ended; None where none did."""
    begun = find(tools.ledger.events(job.id), EventKind.STARTED, ROLLBACK)
    return Problem(**json.loads(begun.detail)) if begun else None


def _told(job: Job, error: Exception) -> Problem:
    if isinstance(error, StorewrightError):
        return error.problem
    log.error("an upgrade broke off unexpectedly", exc_info=error)
    return surprise(job)


# --- forward -----------------------------------------------------------------------------------------------------


def _go_forward(tools: Toolbox, job: Job, store: Store) -> None:
    kind = tools.catalog.get(store.type)
    since = tools.ledger.clock()
    with tools.stage(job, "namespace"):
        _prepare_namespace(tools, store)
    with tools.stage(job, "secrets"):
        secret = ensure_secret(tools, store, kind, may_make=False)
    with tools.stage(job, RELEASE), watching(tools, job, store, secret, since) as monitor:
        _ensure_release(tools, job, store, kind, monitor, secret)
    await_store(tools, job, store, kind, secret, since)
    tools.cluster.annotate_namespace(store.namespace, {MARK: None, PREFIX + "version": kind.version})
    tools.ledger.succeed(job, kind.version)


def _prepare_namespace(tools: Toolbox, store: Store) -> None:
    """Limits and labels as a new store would have them; and the mark, unless an unfinished upgrade left one."""
    namespace = tools.cluster.namespace(store.namespace)
    if not namespace or not tools.is_ours(namespace, store):
        what = f"The namespace {store.namespace} of {store.name} is gone."
        raise JobFailed(what, "Somebody deleted it, or put another in its place.", "Delete the store; order it anew.")
    ensure_limits(tools, store)
    marks = tools.annotations(store)
    if MARK not in (namespace["metadata"].get("annotations") or {}):
        present = _deployed(tools, store)
        marks[MARK] = str(present.revision)
        tools.ledger.note_version(store.id, present.chart.removeprefix(f"{store.type}-"))
    tools.cluster.annotate_namespace(store.namespace, marks, tools.labels(store))


def _deployed(tools: Toolbox, store: Store) -> Release:
    revisions = tools.helm.history(release_name(store.name), store.namespace)
    deployed = [release for release in revisions if release.status == "deployed"]
    if not deployed:
        what = f"{store.name} has no release that could be upgraded."
        raise JobFailed(what, "None of its revisions is deployed.", "Look at `helm history` in its namespace.")
    return deployed[-1]


def _ensure_release(
    tools: Toolbox, job: Job, store: Store, kind: StoreType, monitor: RolloutMonitor, secret: dict[str, str]
) -> None:
    """Once for a job: helm migrates the data by the chart's hook, then changes what there is."""
    namespace = store.namespace
    release = tools.helm.release(release_name(store.name), namespace)
    if release and release.status == "deployed" and find(tools.ledger.events(job.id), EventKind.DONE, RELEASE):
        return tools.cluster.end_back_off(namespace)
    while tools.cluster.active_jobs(namespace, MIGRATION):
        monitor.look(MIGRATION)  # of an attempt that was killed: it goes on by itself, and is better not disturbed
    if release and release.stuck:
        tools.cluster.delete_secret(namespace, release.record)  # as in create: helm goes on from what there is
    suspects = unready_pods(tools.cluster.pods(namespace))  # what the upgrade is to mend may be what holds it up
    wanted = wanted_release(tools, store, kind)
    try:
        tools.helm.upgrade(wanted, tools.remaining(job), lambda: monitor.look(MIGRATION))
    except HookFailed as error:
        symptom = ended_badly(store.name, tools.cluster.pods(namespace), MIGRATION)
        raise failure(tools, store, symptom, secret) if symptom else error from error
    return tools.cluster.end_back_off(namespace, suspects)


# --- back --------------------------------------------------------------------------------------------------------


def _go_back(tools: Toolbox, job: Job, store: Store, problem: Problem) -> None:
    """Until the former version serves. Raises JobFailed where it does not come to that, Superseded or HandedOver."""
    job = replace(job, allowed=BACK_WITHIN, deadline_at=tools.ledger.clock() + BACK_WITHIN)
    try:
        revision = _insist(tools, job, lambda: _marked(tools, store))
        if revision is None:
            return
        if _insist(tools, job, lambda: _is_changed(tools, store, revision)):
            with tools.stage(job, ROLLBACK, json.dumps(asdict(problem))):
                _insist(tools, job, lambda: _restore(tools, store, revision))
                _insist(tools, job, lambda: _await_former(tools, job, store))
        _insist(tools, job, lambda: tools.cluster.annotate_namespace(store.namespace, {MARK: None}))
    except StorewrightError as trouble:
        what = f"{problem.what} Its former version could not be put back either: {trouble.problem.what}"
        cause = f"{problem.cause} {trouble.problem.cause}".strip()
        raise JobFailed(what, cause, trouble.problem.next_step, problem.log_tail) from trouble


def _insist(tools: Toolbox, job: Job, act: Callable[[], T]) -> T:
    """Do it, again and again where the failure is a passing one, until the deadline."""
    while True:
        try:
            return act()
        except Transient as trouble:
            tools.check_in(job, f"The former version of {job.store} was not back", str(trouble))
            time.sleep(TRY_AGAIN)


def _marked(tools: Toolbox, store: Store) -> int | None:
    """The revision to go back to; None where it did not come to an upgrade."""
    namespace = tools.cluster.namespace(store.namespace)
    mark = (namespace["metadata"].get("annotations") or {}).get(MARK) if namespace else None
    return int(mark) if mark else None


def _is_changed(tools: Toolbox, store: Store, revision: int) -> bool:
    release = tools.helm.release(release_name(store.name), store.namespace)
    return not release or release.revision != revision or release.status != "deployed"


def _restore(tools: Toolbox, store: Store, revision: int) -> None:
    for name in tools.cluster.active_jobs(store.namespace, MIGRATION):
        tools.cluster.stop_job(store.namespace, name)  # one that outlived its time would change what we go back to
    suspects = unready_pods(tools.cluster.pods(store.namespace))
    tools.helm.rollback(release_name(store.name), store.namespace, revision)
    tools.cluster.end_back_off(store.namespace, suspects)


def _await_former(tools: Toolbox, job: Job, store: Store) -> None:
    """Until a shopper is answered again; then the upgrade is over."""
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    with watching(tools, job, store, secret, tools.ledger.clock()) as monitor:
        for component in monitor.components():
            monitor.await_ready(component)
    first = tools.catalog.get(store.type).check[0]
    with StorefrontClient(store.url, tools.ingress_address, {"secret": secret}) as client:
        await_answer(tools, job, store, 0.1, lambda: client.step(first))
