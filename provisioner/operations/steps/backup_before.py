"""The backup that a job makes before it changes a store's data, and brings back if it fails.

The namespace carries its id while the data may be changed."""

from __future__ import annotations

from provisioner.domain.backup import Reason
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.namespace_metadata import BACKUP_BEFORE, note_of
from provisioner.operations.spec import Stage
from provisioner.operations.steps.backup_job import grant_access, has_backups, load_backup, make_backup
from provisioner.operations.steps.chart_job import await_clones
from provisioner.operations.steps.release import has_begun
from provisioner.operations.steps.shop import close_shop
from provisioner.operations.toolbox import Toolbox

BACK_UP = Stage("backup", "Back the store up", "Store backed up", exceptional=True)
NO_BACKUP = "none"  # the order asks for none, or none could be made


def back_up_first(
    tools: Toolbox, job: Job, store: Store, secret: dict[str, str], reason: Reason, *, required: bool
) -> None:
    """Make a backup before the release changes, if there is a backup server and the present release knows backups.

    Without `required`, one that can't be made is no error. Raises JobFailed, Transient, Superseded or HandedOver."""
    changed = has_begun(tools, job) or backup_before(tools, job, store)
    if changed or not tools.defaults.backup_server or not has_backups(tools.cluster, store):
        return
    with tools.stage(job, BACK_UP.name) as results:
        try:
            grant_access(tools, store)
            made = make_backup(tools, job, store, secret, reason).id
            await_clones(tools, job, store, secret)
        except JobFailed as error:
            if required:
                raise
            results.append(f"No backup was made first: {error.problem.what}")
            made = NO_BACKUP
        note_backup_before(tools, job, store, made)


def note_backup_before(tools: Toolbox, job: Job, store: Store, backup: str) -> None:
    """From now on the job may change the data; `backup` is the id of the backup before it, or NO_BACKUP."""
    tools.cluster.annotate_namespace(store.namespace, {BACKUP_BEFORE: f"{job.id} {backup}"})


def backup_before(tools: Toolbox, job: Job, store: Store) -> str:
    """The id of the backup before the job or the job that it retries; NO_BACKUP; '' if the data is unchanged."""
    job_id, _, backup = note_of(tools.cluster, store, BACKUP_BEFORE).partition(" ")
    return backup if job_id in (job.id, job.retry_of) else ""


def bring_back(tools: Toolbox, job: Job, store: Store, secret: dict[str, str], backup: str) -> None:
    """Close the shop and load the backup. Raises JobFailed, Transient, Superseded or HandedOver."""
    close_shop(tools, job, store, secret)
    load_backup(tools, job, store, secret, backup)
