"""The operation `backup`: copies a store's database and uploads to the backup server, while the shop goes on."""

from __future__ import annotations

from provisioner.domain.backup import Backup, Reason
from provisioner.domain.job import Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import SECRET_NAME, StoreStatus
from provisioner.domain.text import enumerate_words, size
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.backup_job import end_backup, grant_access
from provisioner.operations.steps.kept_store import make_kept_backup
from provisioner.operations.toolbox import Toolbox


def run(tools: Toolbox, job: Job) -> None:
    """Back the store up. An interrupted backup goes on where its Job is."""
    store = tools.store_of(job)
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    with tools.stage(job, "access"):
        grant_access(tools, store)
    with tools.stage(job, "backup") as results:
        reason = Reason(job.arguments.get("reason", Reason.ORDERED))
        made = make_kept_backup(tools, job, store, secret, reason)
        results.append(describe(made))
    tools.ledger.succeed(job)


def describe(backup: Backup) -> str:
    """Such as “It holds 12 orders and 40 products: 31 MB, 2 MB of them new.”"""
    held = enumerate_words(backup.contents) if backup.contents else "the store"
    return f"It holds {held}: {size(backup.bytes)}, {size(backup.added_bytes)} of them new."


def undo(tools: Toolbox, job: Job) -> None:
    """Stop the backup."""
    end_backup(tools, job, tools.store_of(job))
    tools.ledger.end_cancelled(job)


BACKUP = Operation(
    kind=JobKind("backup"),
    run=run,
    stages=(
        Stage("access", "Connect to the backup server", "Connected to the backup server"),
        Stage("backup", "Copy the database and the uploads", "Database and uploads copied"),
    ),
    deadline_seconds=3600,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.READY, StoreStatus.FAILED}),
    uses_backups=True,
    needs_backup=False,
    resets_login=False,
    status_when_ordered=None,
    status_when_succeeded=None,
    status_when_failed=None,
    changes_store_at="backup",
    rolls_back=False,
    replaces_live_job=False,
    undo=undo,
    last_stage=None,
    status_when_cancelled=None,
    instead_of_cancel="",
    participle="backed up",
    gerund="backing up",
)
