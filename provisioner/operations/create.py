"""The operation `create`: namespace, Secret, release, then wait until a cart holds a product."""

from __future__ import annotations

from provisioner.domain.job import Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import StoreStatus
from provisioner.operations.namespace_metadata import note_ready
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.preparation import PREPARE, prepare_store
from provisioner.operations.steps.readiness import await_components
from provisioner.operations.steps.release import install_release
from provisioner.operations.steps.removal import DISCARD, discard_store
from provisioner.operations.steps.storefront import CHECK, STOREFRONT, await_storefront
from provisioner.operations.toolbox import Toolbox


def run(tools: Toolbox, job: Job) -> None:
    """Create the store, or go on from what is in the cluster."""
    store = tools.store_of(job)
    store_type = tools.catalog.get(store.type)
    since = tools.ledger.clock()
    secret = prepare_store(tools, job, store)
    with tools.stage(job, "release"):
        install_release(tools, job, store, store_type)
    await_components(tools, job, store, secret, since)
    await_storefront(tools, job, store, store_type, secret)
    note_ready(tools.cluster, store, store_type.version, tools.ledger.clock())
    tools.ledger.succeed(job, store_type.version)


def undo(tools: Toolbox, job: Job) -> None:
    """Remove what the job made of the store."""
    discard_store(tools, job, tools.store_of(job))
    tools.ledger.end_cancelled(job)


CREATE = Operation(
    kind=JobKind("create"),
    run=run,
    stages=(
        *PREPARE,
        Stage("release", "Install the chart", "Chart installed"),
        Stage("database", "Start the database", "Database is up"),
        Stage("application", "Start the application", "Application is up"),
        STOREFRONT,
        CHECK,
        DISCARD,
    ),
    deadline_seconds=900,
    right=Right.ANYONE,
    orderable_when=frozenset(),  # there is no store yet
    uses_backups=False,
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
    participle="created",
    gerund="creating",
)
