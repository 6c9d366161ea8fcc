"""No two at work on one store: Kubernetes Jobs of other jobs, or of another executor, are ended before work begins."""

from __future__ import annotations

import time

from provisioner.clients.kubernetes.objects import end_reason
from provisioner.domain.job import Job
from provisioner.domain.store import STORE_ID
from provisioner.operations.toolbox import Toolbox

LOOK_AGAIN = 0.5  # seconds


def end_others(tools: Toolbox, home: str, job: Job, spared: str = "") -> None:
    """Until no Job in the namespace `home`, but the one named `spared`, is at work on the job's store.

    There is one where a delete was ordered meanwhile, or where its bot ran with EXECUTOR=kubernetes until now. Raises
    JobFailed where it does not end, Transient, Superseded or HandedOver."""
    while others := [name for name in _at_work(tools, home, job.store_id) if name != spared]:
        for name in others:
            tools.cluster.delete_job(home, name)
        hint = f"Its pod does not go; its node may be lost: kubectl get jobs,pods -n {home}"
        tools.check_in(job, f"An earlier Job of {job.store} ({', '.join(others)}) did not end", hint)
        time.sleep(LOOK_AGAIN)


def _at_work(tools: Toolbox, home: str, store_id: str) -> list[str]:
    found = tools.cluster.jobs(home, {STORE_ID: store_id})
    return [one["metadata"]["name"] for one in found if not end_reason(one)]
