"""The operation `undelete`: brings a deleted store back from its last backup, at its address, with its credentials."""

from __future__ import annotations

from provisioner.domain.job import Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import SECRET_NAME, Store, StoreStatus
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.backup_job import is_loaded, served_before
from provisioner.operations.steps.claims import sizes_of
from provisioner.operations.steps.from_backup import (
    FILL,
    INSTALL,
    OPEN,
    fill_store,
    install_closed,
    open_filled_store,
)
from provisioner.operations.steps.kept_store import KeptStore, keep_store, kept_secret, kept_sizes
from provisioner.operations.steps.namespace import ensure_namespace
from provisioner.operations.steps.removal import DISCARD, discard_store
from provisioner.operations.steps.secret import ensure_secret
from provisioner.operations.steps.storefront import STOREFRONT
from provisioner.operations.toolbox import Toolbox


def run(tools: Toolbox, job: Job) -> None:
    """Bring the store back, or go on from what is in the cluster. Raises what Operation.run raises."""
    store = tools.store_of(job)
    with tools.stage(job, "namespace"):
        ensure_namespace(tools, store)
    with tools.stage(job, "secrets"):
        _bring_back_secret(tools, store)
        secret = ensure_secret(tools, store, tools.catalog.get(store.type), may_create=False)
    if not is_loaded(tools, job):
        install_closed(tools, job, store, secret, kept_sizes(tools, store))
        fill_store(tools, job, store, secret, job.arguments["backup"])
    kept = KeptStore(store, served_before(job), deleted=False, sizes=sizes_of(tools, store))
    keep_store(tools, kept, secret)
    open_filled_store(tools, job, store, secret, served=served_before(job))


def _bring_back_secret(tools: Toolbox, store: Store) -> None:
    tools.cluster.create_secret(store.namespace, SECRET_NAME, kept_secret(tools, store))


def undo(tools: Toolbox, job: Job) -> None:
    """Remove what the job made of the store. It is kept as before, for as long as before."""
    store = tools.store_of(job)
    discard_store(tools, job, store)
    if is_loaded(tools, job):  # then the record may say that the store exists
        kept = KeptStore(store, served_before(job), deleted=True, sizes=kept_sizes(tools, store))
        keep_store(tools, kept, kept_secret(tools, store))
    tools.ledger.end_cancelled(job)


UNDELETE = Operation(
    kind=JobKind("undelete"),
    run=run,
    stages=(
        Stage("namespace", "Create the namespace", "Namespace created"),
        Stage("secrets", "Bring back the passwords and keys", "Passwords and keys are back"),
        *INSTALL,
        *FILL,
        *OPEN,
        DISCARD,
    ),
    deadline_seconds=3600,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.DELETED}),
    uses_backups=True,
    needs_backup=True,
    resets_login=False,
    status_when_ordered=StoreStatus.CREATING,
    status_when_succeeded=StoreStatus.READY,
    status_when_failed=StoreStatus.FAILED,
    changes_store_at=None,
    rolls_back=False,
    replaces_live_job=False,
    undo=undo,
    last_stage=STOREFRONT.name,
    status_when_cancelled=StoreStatus.DELETED,
    instead_of_cancel="To delete it again: /store delete {name}",
    participle="brought back",
    gerund="bringing back",
)
