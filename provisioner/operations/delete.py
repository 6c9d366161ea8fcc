"""From a wish to nothing left: the namespace goes with all that is in it, then its volumes; idempotent."""

from __future__ import annotations

from provisioner.diagnosis import namespace_holds
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.toolbox import Toolbox

LOOK_AGAIN = 1.0  # seconds between looks where the watch brings no news


def run(tools: Toolbox, job: Job) -> None:
    """Raises JobFailed (it hangs, and says what holds it), Transient, Superseded or HandedOver."""
    store = tools.store_of(job)
    namespace = tools.cluster.namespace(store.namespace)
    # A stranger's namespace of that name, with the volumes in it, is why the store could not be made: left alone.
    foreign = namespace is not None and not tools.is_ours(namespace, store)
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
        for found in snapshots.every(LOOK_AGAIN):
            ours = [n for n in found if tools.is_ours(n, store)]
            if not ours:
                return
            tools.check_in(job, f"The namespace {store.namespace} was not gone", namespace_holds(ours[0]))


def _await_volumes(tools: Toolbox, job: Job, store: Store) -> None:
    """A volume whose StorageClass keeps it (Retain) is not ours to destroy: it is named, and the job fails."""
    with tools.cluster.watch_volumes(store.namespace) as snapshots:
        for volumes in snapshots.every(LOOK_AGAIN):
            if not volumes:
                return
            names = ", ".join(v["metadata"]["name"] for v in volumes)
            tools.check_in(job, f"The volumes of {store.name} were not gone", names)
            if any(v["spec"].get("persistentVolumeReclaimPolicy") == "Retain" for v in volumes):
                what = f"{store.name} is gone, but its volumes are kept: {names}."
                next_step = "Delete them by hand (kubectl delete pv …) when nobody needs them, then retry."
                raise JobFailed(what, "Their StorageClass says Retain.", next_step)
