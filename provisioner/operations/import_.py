"""The operation `import`: creates a store from the archive of an export, which a person uploads meanwhile."""

from __future__ import annotations

import json

from provisioner.domain.errors import JobFailed
from provisioner.domain.exported import Exported
from provisioner.domain.job import Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import Store, StoreStatus
from provisioner.operations.namespace_metadata import IMPORTED, note_of
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.backup_job import grant_access, is_loaded, make_backup_of_archive, served_before
from provisioner.operations.steps.from_backup import (
    FILL,
    INSTALL,
    OPEN,
    fill_store,
    install_closed,
    open_filled_store,
)
from provisioner.operations.steps.preparation import PREPARE, prepare_store
from provisioner.operations.steps.removal import DISCARD, discard_store
from provisioner.operations.toolbox import Toolbox

UPLOAD = "upload"  # the stage that waits for the archive


def arguments_of(exported: Exported) -> dict[str, str]:
    """The arguments of a job that imports the archive of this store."""
    return {
        "source_name": exported.name,
        "moved_from": exported.url,
        "version": exported.version,
        "served": str(exported.served),
        "sizes": json.dumps(exported.sizes),
    }


def run(tools: Toolbox, job: Job) -> None:
    """Create the store, or go on from what is in the cluster. Raises what Operation.run raises."""
    store = tools.store_of(job)
    secret = prepare_store(tools, job, store)
    if not is_loaded(tools, job):
        install_closed(tools, job, store, secret, json.loads(job.arguments["sizes"]))
        with tools.stage(job, UPLOAD):
            backup = _take_in(tools, job, store, secret)
        fill_store(tools, job, store, secret, backup, moved_from=job.arguments["moved_from"])
    open_filled_store(tools, job, store, secret, served=served_before(job))


def _take_in(tools: Toolbox, job: Job, store: Store, secret: dict[str, str]) -> str:
    """The id of the backup that holds what the archive held: a retry needs no other upload."""
    if earlier := note_of(tools.cluster, store, IMPORTED):
        return earlier
    grant_access(tools, store)
    try:
        made = make_backup_of_archive(tools, job, store, secret)
    except JobFailed as failure:
        found, name = failure.problem, store.name
        what = f"The archive did not become {name}: {found.what}"
        next_step = f"Import another one: delete {name}, then type /store import {name}. For the same one, retry."
        raise JobFailed(what, found.cause, next_step, found.log_tail) from failure
    tools.cluster.annotate_namespace(store.namespace, {IMPORTED: made.id})
    return made.id


def undo(tools: Toolbox, job: Job) -> None:
    """Remove what the job made of the store, and let the backup of the archive be removed."""
    store = tools.store_of(job)
    discard_store(tools, job, store)
    tools.ledger.keep_until(store.id, tools.ledger.clock())
    tools.ledger.end_cancelled(job)


IMPORT = Operation(
    kind=JobKind("import"),
    run=run,
    stages=(
        *PREPARE,
        *INSTALL,
        Stage(UPLOAD, "Take in the archive", "Archive checked, and kept as the first backup"),
        *FILL,
        *OPEN,
        DISCARD,
    ),
    deadline_seconds=6 * 3600,  # an archive may be large, and a line slow
    right=Right.ANYONE,
    orderable_when=frozenset(),  # there is no store yet
    uses_backups=True,
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
    participle="imported",
    gerund="importing",
)
