"""The steps of backup and restore: the store's access to the backup server, and the Jobs that its chart describes."""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import urlsplit

from provisioner.clients.kubernetes.cluster import Cluster, Object
from provisioner.clients.kubernetes.objects import runs
from provisioner.domain.backup import Backup, Reason
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import EventKind, Job, find_event
from provisioner.domain.store import Store
from provisioner.operations.steps.chart_job import NAME_LABEL, end_chart_job, run_chart_job, start_chart_job
from provisioner.operations.steps.storefront import serves
from provisioner.operations.toolbox import Toolbox

LOAD = "restore"  # the stage in which a job loads a backup
NEWEST = "latest"  # restic's word for the newest backup in a repository
# Components: of the CronJobs in the store's chart, and their Jobs.
BACKUP, RESTORE, EXPORT, IMPORT, SHOPPER = "backup", "restore", "export", "import", "shopper"
BEFORE_MIGRATION = "load"  # the container of a restore Job that loads the data, where another one migrates them then
UPLOAD_IDLE_SECONDS = 600  # that an upload may stand still
SHORT_ID = 8  # characters of a backup's id that distinguish it from the store's others
ACCESS = "store-backup"  # the Secret in a store's namespace that only backup Jobs get


def ensure_keys(cluster: Cluster, server: str) -> dict[str, str]:
    """The keys of the backups. The first call makes them. Raises JobFailed where their Secret is missing."""
    secret = secret_of(server)
    keys = cluster.read_secret(*secret)
    if "key" not in keys:
        from provisioner.operations.steps import backup_keys  # takes a while to import, and few processes need it

        cluster.fill_secret(*secret, backup_keys.new_keys(str(urlsplit(server).hostname)))
        keys = cluster.read_secret(*secret)  # another process may have been first
    return keys


def secret_of(server: str) -> tuple[str, str]:
    """Namespace and name of the Secret with the keys: those of the server's Service."""
    name, namespace = str(urlsplit(server).hostname).split(".")[:2]
    return namespace, name


def arguments_for(backup: Backup) -> dict[str, str]:
    """The arguments of a job that loads this backup."""
    return {"backup": backup.id, "served": str(backup.served)}


def served_before(job: Job) -> bool:
    """Whether the shop answered when the backup in the job's arguments was made."""
    return job.arguments.get("served") == str(True)


def server_of(tools: Toolbox) -> str:
    """The URL of the backup server. Raises JobFailed where this Storewright has none."""
    if not tools.defaults.backup_server:
        what = "This Storewright has no backup server."
        raise JobFailed(what, "", "An operator sets backups.enabled in its chart, then retries.")
    return tools.defaults.backup_server


def grant_access(tools: Toolbox, store: Store, source: Store | None = None) -> None:
    """Give the store's backup Jobs the address of their repository, its password and a new certificate.

    With a `source`, they are that store's, until the next call. Raises JobFailed where this Storewright has no backup
    server."""
    from provisioner.operations.steps import backup_keys

    server = server_of(tools)
    keys = ensure_keys(tools.cluster, server)
    owner = source or store
    password = backup_keys.password(keys, owner.id)
    if password_key(owner) not in keys:  # the retention needs it
        tools.cluster.add_to_secret(*secret_of(server), {password_key(owner): password})
    access = {
        "repository": f"rest:{server}/{owner.id}/",
        "password": password,
        "client.pem": backup_keys.client_certificate(keys, owner.id),
        "ca.crt": keys["ca.crt"],
    }
    if not tools.cluster.create_secret(store.namespace, ACCESS, access):
        tools.cluster.add_to_secret(store.namespace, ACCESS, access)


def password_key(store: Store) -> str:
    """The key of the store's password in the Secret with the keys of the backups."""
    return f"password.{store.id}"


def has_backups(cluster: Cluster, store: Store) -> bool:
    """Whether the release that is installed knows backups. Raises Transient and JobFailed."""
    return cluster.cron_job(store.namespace, f"{store.release}-{BACKUP}") is not None


def start_backup(tools: Toolbox, job: Job, store: Store, reason: Reason, *, again: str = "") -> None:
    """Start the chart's backup Job for this job and `again`, unless it was started; `make_backup` waits for its end.

    Raises JobFailed and Transient."""
    start_chart_job(tools, store, BACKUP, _name_of_backup(job, store, again), _tags(job, reason, store.version))


def _name_of_backup(job: Job, store: Store, again: str) -> str:
    return f"{store.release}-{BACKUP}-{job.id}{again}"


def _tags(job: Job, reason: Reason, version: str) -> dict[str, str]:
    return {"TAGS": f"job={job.id},reason={reason},version={version}"}


def make_backup(
    tools: Toolbox,
    job: Job,
    store: Store,
    secret: dict[str, str],
    reason: Reason,
    *,
    again: str = "",
    served: bool | None = None,
) -> Backup:
    """Run the chart's backup Job once for this job and `again`, wait for its end, and add the backup to the ledger.

    `served` says whether the shop answered before the job; None for whether it answers now.

    Raises JobFailed, Transient, Superseded or HandedOver."""
    name, served = _name_of_backup(job, store, again), serves(tools, store) if served is None else served
    run = run_chart_job(tools, job, store, secret, BACKUP, name, _tags(job, reason, store.version))[BACKUP]
    return _add(tools, job, store, run, reason, store.version, served=served)


def end_backup(tools: Toolbox, job: Job, store: Store, *, again: str = "") -> None:
    """End the backup Job of this job and `again` where it runs, and wait until its pod is gone.

    Raises JobFailed, Transient, Superseded or HandedOver."""
    end_chart_job(tools, job, store, BACKUP, _name_of_backup(job, store, again))


def make_backup_of_archive(tools: Toolbox, job: Job, store: Store, secret: dict[str, str]) -> Backup:
    """Run the chart's import Job once for this job, wait until a person has uploaded the archive to its container and
    it is a backup, and add that to the ledger.

    Raises JobFailed, also for an archive that is no good, Transient, Superseded or HandedOver."""
    version = job.arguments["version"]
    variables = {**_tags(job, Reason.IMPORTED, version), "IDLE_SECONDS": f"{UPLOAD_IDLE_SECONDS}"}
    run = run_chart_job(tools, job, store, secret, IMPORT, name_of_import(job, store), variables)[IMPORT]
    return _add(tools, job, store, run, Reason.IMPORTED, version, served=served_before(job))


def name_of_import(job: Job, store: Store) -> str:
    """The name of the Job that takes in the archive."""
    return f"{store.release}-{IMPORT}-{job.id}"


def _add(tools: Toolbox, job: Job, store: Store, run: Object, reason: Reason, version: str, *, served: bool) -> Backup:
    """Add the backup that a container made to the ledger; `run` is its `terminated` state."""
    result = json.loads(run["message"])
    summary, after = result["summary"], result.get("counts_after", {})
    made = Backup(
        id=summary["snapshot_id"],
        store_id=store.id,
        job_id=job.id,
        made_at=datetime.fromisoformat(run["startedAt"]).timestamp(),
        reason=reason,
        version=version,
        bytes=summary["total_bytes_processed"],
        added_bytes=summary.get("data_added_packed", summary["data_added"]),
        served=served,
        counts={thing: min(number, after.get(thing, number)) for thing, number in result["counts"].items()},
    )
    tools.ledger.add_backup(job, made)
    return made


def load_backup(
    tools: Toolbox, job: Job, store: Store, secret: dict[str, str], backup: str, *, moved_from: str = ""
) -> dict[str, int]:
    """Replace the database and the uploads by those of a backup, migrated to the present version of the chart.

    Nothing else may write to them meanwhile. The chart's restore Job runs once for this job and backup. A backup of
    another store is `moved_from` that store's URL. Returns how many orders, products and customers the database holds,
    in the words of the chart.

    Raises JobFailed, Transient, Superseded or HandedOver."""
    name = _name_of_load(job, store, backup)
    run = run_chart_job(tools, job, store, secret, RESTORE, name, {"SNAPSHOT": backup, "MOVED_FROM": moved_from})
    loaded = run.get(BEFORE_MIGRATION) or run[RESTORE]
    return dict(json.loads(loaded.get("message") or "{}").get("counts", {}))


def visit_shop(tools: Toolbox, job: Job, store: Store, secret: dict[str, str]) -> str:
    """Visit the shop as a shopper does, from inside the namespace, by the chart's Job; returns what it says it did.

    Raises JobFailed, Transient, Superseded or HandedOver."""
    run = run_chart_job(tools, job, store, secret, SHOPPER, f"{store.release}-{SHOPPER}-{job.id}", {})[SHOPPER]
    return str(run.get("message") or "").strip()


def is_loaded(tools: Toolbox, job: Job) -> bool:
    """Whether an earlier attempt of the job has loaded its backup: shoppers may have ordered since."""
    return find_event(tools.ledger.events(job.id), EventKind.DONE, LOAD) is not None


def load_started(tools: Toolbox, job: Job, store: Store, backup: str) -> bool:
    """Whether an earlier attempt of the job has begun to load this backup. Raises Transient and JobFailed."""
    return tools.cluster.job(store.namespace, _name_of_load(job, store, backup)) is not None


def _name_of_load(job: Job, store: Store, backup: str) -> str:
    return f"{store.release}-{RESTORE}-{job.id}-{backup[:SHORT_ID]}"


def running_pod(tools: Toolbox, store: Store, name: str) -> str:
    """The pod of the Job `name` whose container runs and takes commands; '' while there is none."""
    pods = tools.cluster.pods(store.namespace, {NAME_LABEL: name})
    return next((str(pod["metadata"]["name"]) for pod in pods if runs(pod)), "")


def start_export(tools: Toolbox, store: Store, name: str) -> None:
    """Start a Job `name` in which a backup can be read by commands. Raises JobFailed and Transient."""
    start_chart_job(tools, store, EXPORT, name, {})
