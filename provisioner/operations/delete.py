"""The operation `delete`: removes a store's namespace with everything in it, then waits for its volumes."""

from __future__ import annotations

from provisioner.diagnosis import deletion_obstacles
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import Store, StoreStatus
from provisioner.operations.namespace_metadata import belongs_to
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.toolbox import Toolbox

POLL_SECONDS = 1.0  # between looks while the watch reports no change


def run(tools: Toolbox, job: Job) -> None:
    """Delete the store. Raises JobFailed, with what blocks it, if the namespace does not end."""
    store = tools.store_of(job)
    namespace = tools.cluster.namespace(store.namespace)
    # Somebody else's namespace of that name is why the store could not be created. It is left alone, and its volumes.
    foreign = namespace is not None and not belongs_to(namespace, store, tools.defaults.instance)
    with tools.stage(job, "namespace"):
        if not foreign:
            _remove_namespace(tools, job, store)
    with tools.stage(job, "volumes"):
        if not foreign:
            _await_volumes(tools, job, store)
    tools.ledger.succeed(job)


def _remove_namespace(tools: Toolbox, job: Job, store: Store) -> None:
    tools.cluster.delete_namespace(store.namespace)
    with tools.cluster.watch_namespace(store.namespace) as snapshots:
        for found in snapshots.every(POLL_SECONDS):
            ours = [n for n in found if belongs_to(n, store, tools.defaults.instance)]
            if not ours:
                return
            tools.check_in(job, f"The namespace {store.namespace} was not gone", deletion_obstacles(ours[0]))


def _await_volumes(tools: Toolbox, job: Job, store: Store) -> None:
    """Wait until no volume is left. A volume that its StorageClass retains is named, and the job fails."""
    with tools.cluster.watch_volumes(store.namespace) as snapshots:
        for volumes in snapshots.every(POLL_SECONDS):
            if not volumes:
                return
            names = ", ".join(v["metadata"]["name"] for v in volumes)
            tools.check_in(job, f"The volumes of {store.name} were not gone", names)
            if any(v["spec"].get("persistentVolumeReclaimPolicy") == "Retain" for v in volumes):
                what = f"{store.name} is gone, but its volumes are retained: {names}."
                next_step = "Delete them (kubectl delete pv …) when nobody needs them, then retry."
                raise JobFailed(what, "Their StorageClass has the reclaim policy Retain.", next_step)


DELETE = Operation(
    kind=JobKind("delete"),
    run=run,
    stages=(
        Stage("namespace", "Remove the namespace", "Namespace removed"),
        Stage("volumes", "Remove the volumes", "Volumes removed"),
    ),
    deadline_seconds=300,
    right=Right.MANAGE,
    orderable_when=frozenset(StoreStatus) - {StoreStatus.DELETED},
    needs_backup=False,
    status_when_ordered=StoreStatus.DELETING,
    status_when_succeeded=StoreStatus.DELETED,
    status_when_failed=StoreStatus.FAILED,
    changes_store_at=None,
    rolls_back=False,
    replaces_live_job=True,
    participle="deleted",
    gerund="deleting",
)
