"""The steps that remove a store's namespace, and wait for its volumes."""

from __future__ import annotations

from dataclasses import replace

from provisioner.diagnosis import deletion_obstacles
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import ROLLBACK_STAGE, Job
from provisioner.domain.store import Store
from provisioner.operations.namespace_metadata import belongs_to
from provisioner.operations.spec import Stage
from provisioner.operations.toolbox import Toolbox

POLL_SECONDS = 1.0  # between looks while the watch reports no change
REMOVAL_SECONDS = 300.0  # that the end of a namespace and its volumes may take
DISCARD = Stage(ROLLBACK_STAGE, "Remove what was made of it", "What was made of it is removed", exceptional=True)


def discard_store(tools: Toolbox, job: Job, store: Store) -> None:
    """The stage DISCARD: remove what a cancelled job made of a new store. Somebody else's namespace is left alone.

    Raises JobFailed, Transient, Superseded or HandedOver."""
    namespace = tools.cluster.namespace(store.namespace)
    if namespace and not belongs_to(namespace, store, tools.defaults.instance):
        return
    try:
        with tools.stage(job, DISCARD.name):
            remove_all(tools, job, store)
    except JobFailed as failure:
        found = failure.problem
        next_step = f"Fix the cause, then delete what is left: /store delete {store.name}"
        raise JobFailed(found.what, found.cause, next_step) from failure


def remove_all(tools: Toolbox, job: Job, store: Store) -> None:
    """Remove the store's namespace and its volumes, in REMOVAL_SECONDS. Raises what `remove_namespace` raises."""
    soon = replace(job, allowed=REMOVAL_SECONDS, deadline_at=tools.ledger.clock() + REMOVAL_SECONDS)
    remove_namespace(tools, soon, store)
    await_volumes(tools, soon, store)


def remove_namespace(tools: Toolbox, job: Job, store: Store) -> None:
    """Delete the store's namespace and wait until it is gone. Raises JobFailed, Transient, Superseded or HandedOver."""
    tools.cluster.delete_namespace(store.namespace)
    with tools.cluster.watch_namespace(store.namespace) as snapshots:
        for found in snapshots.every(POLL_SECONDS):
            ours = [n for n in found if belongs_to(n, store, tools.defaults.instance)]
            if not ours:
                return
            tools.check_in(job, f"The namespace {store.namespace} was not gone", deletion_obstacles(ours[0]))


def await_volumes(tools: Toolbox, job: Job, store: Store) -> None:
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
