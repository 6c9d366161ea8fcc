"""Only one worker at a time works on a store."""

from __future__ import annotations

import time

from provisioner.clients.kubernetes.objects import end_reason
from provisioner.domain.job import Job
from provisioner.domain.store import STORE_ID
from provisioner.operations.toolbox import Toolbox

LOOK_SECONDS = 0.5


def end_others(tools: Toolbox, namespace: str, job: Job, spared: str = "") -> None:
    """End the store's other Kubernetes Jobs in the namespace.

    All but `spared` are deleted; the function returns once they are gone. There is one where a delete was ordered while
    another job ran, or where the bot ran with EXECUTOR=kubernetes before.
    Raises JobFailed where a Job does not end, Transient, Superseded or HandedOver.
    """
    while others := [name for name in _active(tools, namespace, job.store_id) if name != spared]:
        for name in others:
            tools.cluster.delete_job(namespace, name)
        hint = f"Its pod does not go; its node may be lost: kubectl get jobs,pods -n {namespace}"
        tools.check_in(job, f"An earlier Job of {job.store} ({', '.join(others)}) did not end", hint)
        time.sleep(LOOK_SECONDS)


def _active(tools: Toolbox, namespace: str, store_id: str) -> list[str]:
    found = tools.cluster.jobs(namespace, {STORE_ID: store_id})
    return [one["metadata"]["name"] for one in found if not end_reason(one)]
