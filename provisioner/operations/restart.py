"""The operation `restart`: restarts a store's workloads one after the other, and ends when the shop answers."""

from __future__ import annotations

from provisioner.clients.kubernetes.objects import restarted_for
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import SECRET_NAME, StoreStatus
from provisioner.operations.namespace_metadata import CHECK_BEFORE
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.readiness import monitoring
from provisioner.operations.steps.storefront import CHECK, INSPECT, STOREFRONT, await_storefront, note_check_before
from provisioner.operations.toolbox import Toolbox


def run(tools: Toolbox, job: Job) -> None:
    """Restart the store's components, the database first.

    Pods end gracefully, so that a confirmed order is in the database before its pod goes. A component that this job
    has restarted already is not restarted again. The former pods may be broken: only the new ones can fail the job."""
    store = tools.store_of(job)
    store_type = tools.catalog.get(store.type)
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    with tools.stage(job, INSPECT.name):
        required = note_check_before(tools, job, store, secret)
    with monitoring(tools, job, store, secret, tools.ledger.clock()) as monitor:
        components = monitor.components()
        if not components:
            what = f"{store.name} has no workloads to restart."
            raise JobFailed(what, "Somebody deleted them.", "Upgrade the store: this creates them again.")
        for component in components:
            with tools.stage(job, component):
                tools.cluster.restart_component(store.namespace, component, job.id)
                monitor.await_ready(component, lambda pod: restarted_for(pod, job.id))
    await_storefront(tools, job, store, store_type, secret, required)
    tools.cluster.annotate_namespace(store.namespace, {CHECK_BEFORE: None})
    tools.ledger.succeed(job)


def undo(tools: Toolbox, job: Job) -> None:
    """What has begun to restart goes on by itself, so there is nothing to take back but the job's note."""
    tools.cluster.annotate_namespace(tools.store_of(job).namespace, {CHECK_BEFORE: None})
    tools.ledger.end_cancelled(job)


RESTART = Operation(
    kind=JobKind("restart"),
    run=run,
    stages=(
        INSPECT,
        Stage("database", "Restart the database", "Database restarted"),
        Stage("application", "Restart the application", "Application restarted"),
        STOREFRONT,
        CHECK,
    ),
    deadline_seconds=600,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.READY}),
    uses_backups=False,
    needs_backup=False,
    resets_login=False,
    status_when_ordered=None,
    status_when_succeeded=None,
    status_when_failed=None,
    changes_store_at="database",
    rolls_back=False,
    replaces_live_job=False,
    undo=undo,
    last_stage=None,
    status_when_cancelled=None,
    instead_of_cancel="",
    participle="restarted",
    gerund="restarting",
)
