"""The operation `undelete`: brings a deleted store back from its last backup, at its address, with its credentials."""

from __future__ import annotations

from provisioner.domain.backup import Backup
from provisioner.domain.job import EventKind, Job, JobKind, find_event
from provisioner.domain.policy import Right
from provisioner.domain.store import SECRET_NAME, Store, StoreStatus
from provisioner.operations.namespace_metadata import note_ready
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.address import require_free_address
from provisioner.operations.steps.backup_job import grant_access, load_backup, server_of
from provisioner.operations.steps.kept_secret import kept_secret
from provisioner.operations.steps.namespace import ensure_namespace
from provisioner.operations.steps.readiness import await_components
from provisioner.operations.steps.release import install_release
from provisioner.operations.steps.secret import ensure_secret
from provisioner.operations.steps.shop import close_shop, open_shop
from provisioner.operations.steps.storefront import STOREFRONT, await_home_page
from provisioner.operations.toolbox import Toolbox


def arguments_of(backup: Backup) -> dict[str, str]:
    """The arguments of a job that brings a store back from this backup."""
    return {"backup": backup.id, "served": str(backup.served)}


def run(tools: Toolbox, job: Job) -> None:
    """Bring the store back, or go on from what is in the cluster. Raises what Operation.run raises."""
    store = tools.store_of(job)
    store_type = tools.catalog.get(store.type)
    since = tools.ledger.clock()
    with tools.stage(job, "namespace"):
        require_free_address(tools, store)
        ensure_namespace(tools, store)
    with tools.stage(job, "secrets"):
        _bring_back_secret(tools, store)
        secret = ensure_secret(tools, store, store_type, may_create=False)
        grant_access(tools, store)
    if not find_event(tools.ledger.events(job.id), EventKind.DONE, "restore"):  # else shoppers may have ordered since
        with tools.stage(job, "release"):
            install_release(tools, job, store, store_type)
        await_components(tools, job, store, secret, since)
        with tools.stage(job, "restore"):
            close_shop(tools, job, store, secret)
            load_backup(tools, job, store, secret, job.arguments["backup"])
    with tools.stage(job, "open"):
        open_shop(tools, job, store, secret)
    with tools.stage(job, STOREFRONT.name):
        await_home_page(tools, job, store, secret, required=int(job.arguments["served"] == str(True)))
    note_ready(tools.cluster, store, store_type.version, tools.ledger.clock())
    tools.ledger.succeed(job, store_type.version)


def _bring_back_secret(tools: Toolbox, store: Store) -> None:
    kept = kept_secret(tools.cluster, server_of(tools), store)
    tools.cluster.create_secret(store.namespace, SECRET_NAME, kept)


UNDELETE = Operation(
    kind=JobKind("undelete"),
    run=run,
    stages=(
        Stage("namespace", "Create the namespace", "Namespace created"),
        Stage("secrets", "Bring back the passwords and keys", "Passwords and keys are back"),
        Stage("release", "Install the chart", "Chart installed"),
        Stage("database", "Start the database", "Database is up"),
        Stage("application", "Start the application", "Application is up"),
        Stage("restore", "Bring back the database and the uploads", "Database and uploads are back"),
        Stage("open", "Open the shop", "Shop opened"),
        STOREFRONT,
    ),
    deadline_seconds=3600,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.DELETED}),
    needs_backup=True,
    status_when_ordered=StoreStatus.CREATING,
    status_when_succeeded=StoreStatus.READY,
    status_when_failed=StoreStatus.FAILED,
    changes_store_at=None,
    rolls_back=False,
    replaces_live_job=False,
    participle="brought back",
    gerund="bringing back",
)
