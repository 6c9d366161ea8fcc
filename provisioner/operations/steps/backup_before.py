"""The backup that a job makes before it changes a store's data, and brings back if it fails.

The namespace carries its id while the data may be changed."""

from __future__ import annotations

from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.namespace_metadata import BACKUP_BEFORE, note_of
from provisioner.operations.steps.backup_job import load_backup
from provisioner.operations.steps.shop import close_shop
from provisioner.operations.toolbox import Toolbox

NO_BACKUP = "none"  # the order asks for none, or none could be made


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
