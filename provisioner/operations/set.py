"""The operation `set`: applies other values for a store's options, or restores the release as it was."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from provisioner.clients.kubernetes.objects import unready_pods
from provisioner.domain.errors import JobFailed, Problem
from provisioner.domain.job import ROLLBACK_STAGE, Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import SECRET_NAME, Store, StoreStatus
from provisioner.operations.namespace_metadata import CHECK_BEFORE, OPTIONS, UPGRADE_FROM, note_of, options_note
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.hand_edits import hand_edits
from provisioner.operations.steps.readiness import APPLICATION_UP, DATABASE_UP, await_components
from provisioner.operations.steps.release import (
    RELEASE,
    deployed_release,
    discard_stuck,
    has_begun,
    is_applied,
    release_spec,
)
from provisioner.operations.steps.rollback import CANCELLED, end_as_before, forward_or_back, roll_back
from provisioner.operations.steps.storefront import CHECK, INSPECT, STOREFRONT, await_storefront, note_check_before
from provisioner.operations.toolbox import Toolbox


def run(tools: Toolbox, job: Job) -> None:
    """Change the store's options to the order's arguments, or go on from what is in the cluster.

    Raises StoreUnchanged if the store is as it was before, and what Operation.run raises."""
    store = tools.store_of(job)
    forward_or_back(tools, job, partial(_go_forward, tools, job, store), partial(_go_back, tools, job, store))


def _go_forward(tools: Toolbox, job: Job, store: Store) -> None:
    store_type, since = tools.catalog.get(store.type), tools.ledger.clock()
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    with tools.stage(job, INSPECT.name) as results:
        required = note_check_before(tools, job, store, secret)
        results += _inspect(tools, job, store, store_type.version)
    changed = replace(store, options=store.options | job.arguments)
    with tools.stage(job, RELEASE):
        _mark(tools, store)
        _apply(tools, job, changed)
    await_components(tools, job, store, secret, since)
    await_storefront(tools, job, store, store_type, secret, required)
    done = {UPGRADE_FROM: None, CHECK_BEFORE: None, OPTIONS: options_note(changed.options)}
    tools.cluster.annotate_namespace(store.namespace, done)
    tools.ledger.succeed(job, options=changed.options)


def _inspect(tools: Toolbox, job: Job, store: Store, version: str) -> list[str]:
    """Sentences about what people changed by hand. Raises JobFailed if this version of the chart is a newer one."""
    if has_begun(tools, job):
        return []  # an earlier attempt looked, and has begun to change the store
    present = deployed_release(tools, store)
    runs = tools.helm.chart_version(store.release, store.namespace, present.revision)
    if runs != version:
        what = f"{store.name} runs version {runs} of its chart, and its settings come with version {version}."
        raise JobFailed(what, "", f"Upgrade it first (/store upgrade {store.name}), then set them.")
    return list(hand_edits(tools, store, present.revision).sentences("change"))


def _mark(tools: Toolbox, store: Store) -> None:
    """Note the revision to roll back to, unless it is noted already."""
    if not note_of(tools.cluster, store, UPGRADE_FROM):
        revision = str(deployed_release(tools, store).revision)
        tools.cluster.annotate_namespace(store.namespace, {UPGRADE_FROM: revision})


def _apply(tools: Toolbox, job: Job, store: Store) -> None:
    """Run helm once for the job, without the chart's hooks: its version has migrated the data already."""
    namespace = store.namespace
    release = tools.cluster.release(namespace, store.release)
    if is_applied(tools, job, release):
        return tools.cluster.end_back_off(namespace)
    discard_stuck(tools, store, release)
    suspects = unready_pods(tools.cluster.pods(namespace))
    tools.helm.apply(
        release_spec(tools.defaults, store, tools.catalog.get(store.type)),
        tools.remaining(job),
        hooks=False,
        meanwhile=lambda: tools.check_in(job, f"The settings of {store.name} were not applied"),
    )
    return tools.cluster.end_back_off(namespace, suspects)


def undo(tools: Toolbox, job: Job) -> None:
    """Restore the former settings of a cancelled job. Raises JobFailed, Transient, Superseded or HandedOver."""
    store = tools.store_of(job)
    _go_back(tools, job, store, CANCELLED)
    end_as_before(tools, job, store)


def _go_back(tools: Toolbox, job: Job, store: Store, problem: Problem) -> None:
    if has_begun(tools, job):
        roll_back(tools, job, store, problem)


SET = Operation(
    kind=JobKind("set"),
    run=run,
    undo=undo,
    last_stage=CHECK.name,
    stages=(
        INSPECT,
        Stage(RELEASE, "Apply the settings", "Settings applied"),
        DATABASE_UP,
        APPLICATION_UP,
        STOREFRONT,
        CHECK,
        Stage(ROLLBACK_STAGE, "Restore the former settings", "The former settings are back", exceptional=True),
    ),
    deadline_seconds=900,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.READY}),
    uses_backups=False,
    needs_backup=False,
    status_when_ordered=None,
    status_when_succeeded=StoreStatus.READY,
    status_when_failed=StoreStatus.FAILED,
    status_when_cancelled=None,
    instead_of_cancel="It is done in a moment. Then set the former values again: /store set {name}",
    changes_store_at=RELEASE,
    rolls_back=True,
    resets_login=False,
    replaces_live_job=False,
    participle="changed",
    gerund="changing",
)
