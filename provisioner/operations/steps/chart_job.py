"""The step that runs a Job which the store's chart describes as a suspended CronJob."""

from __future__ import annotations

from provisioner.clients.kubernetes.cluster import Object
from provisioner.clients.kubernetes.objects import OVER, container_statuses, end_reason, is_terminating
from provisioner.diagnosis import failed_run_of
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.steps.readiness import POLL_SECONDS, failure_of, monitoring
from provisioner.operations.toolbox import Toolbox

FOR_CLONE = "-clone"  # ends the names of Jobs that back a store up for a clone; they run next to the store's own
NAME_LABEL = "batch.kubernetes.io/job-name"


def run_chart_job(
    tools: Toolbox, job: Job, store: Store, secret: dict[str, str], component: str, name: str, variables: dict[str, str]
) -> dict[str, Object]:
    """Run the Job `name` of the component's CronJob to its good end.

    Returns the `terminated` state of each of its containers. The main one has the component's name. Raises JobFailed,
    Transient, Superseded or HandedOver."""
    for other in tools.cluster.active_jobs(store.namespace, component):
        if other != name and not (other.endswith(FOR_CLONE) or name.endswith(FOR_CLONE)):
            tools.cluster.stop_job(store.namespace, other)  # a failed job's: its trouble must not fail this one
    with monitoring(tools, job, store, secret, tools.ledger.clock()) as monitor:
        start_chart_job(tools, store, component, name, variables)
        while not (run := _succeeded(pods := _of(monitor.look(component), name), component)):
            if symptom := failed_run_of(store.name, pods, component):
                raise failure_of(tools, store, symptom, secret)
            if not any(map(_lives, pods)):
                _require_running(tools, store, component, name)
    return run


def start_chart_job(tools: Toolbox, store: Store, component: str, name: str, variables: dict[str, str]) -> None:
    """Start the Job `name`, unless an earlier attempt did. Raises JobFailed and Transient."""
    if tools.cluster.job(store.namespace, name):
        return
    found = tools.cluster.cron_job(store.namespace, f"{store.release}-{component}")
    if not found:
        what = f"{store.name} has no CronJob {store.release}-{component}: its chart is too old, or describes none."
        raise JobFailed(what, "", f"Upgrade it first: /store upgrade {store.name}")
    tools.cluster.start_job(store.namespace, found, name, variables)


def end_chart_job(tools: Toolbox, job: Job, store: Store, component: str, name: str) -> None:
    """End the Job `name` of the component where it runs, and wait until its pod is gone.

    Raises JobFailed, Transient, Superseded or HandedOver."""
    if name not in tools.cluster.active_jobs(store.namespace, component):
        return
    tools.cluster.stop_job(store.namespace, name)
    with tools.cluster.watch_pods(store.namespace) as snapshots:
        for pods in snapshots.every(POLL_SECONDS):
            if not _of(pods, name):
                return
            tools.check_in(job, f"The {component} of {store.name} was not stopped")


def await_clones(tools: Toolbox, job: Job, store: Store, secret: dict[str, str]) -> None:
    """Wait while a clone backs the store up: it reads the database, and locks what a change of all data needs.

    Raises JobFailed, Transient, Superseded or HandedOver."""
    with monitoring(tools, job, store, secret, tools.ledger.clock()) as monitor:
        monitor.await_finished(lambda pod: pod["metadata"].get("labels", {}).get(NAME_LABEL, "").endswith(FOR_CLONE))


def _lives(pod: Object) -> bool:
    """Whether a pod runs or will run: its Job is not over then."""
    return not is_terminating(pod) and pod["status"].get("phase") not in OVER


def _require_running(tools: Toolbox, store: Store, component: str, name: str) -> None:
    """Raises JobFailed if the Job is over and no pod says how: somebody deleted it, or its node is gone."""
    found = tools.cluster.job(store.namespace, name)
    if found and not end_reason(found):
        return
    pods = _of(tools.cluster.pods(store.namespace), name)  # the watch may be behind
    if not _succeeded(pods, component) and not failed_run_of(store.name, pods, component):
        cause = f"Kubernetes ended its Job: {end_reason(found)}." if found else "Somebody deleted its Job."
        raise JobFailed(f"The {component} of {store.name} ended without a result.", cause, "Fix the cause, then retry.")


def _of(pods: list[Object], name: str) -> list[Object]:
    return [pod for pod in pods if pod["metadata"].get("labels", {}).get(NAME_LABEL) == name]


def _succeeded(pods: list[Object], container: str) -> dict[str, Object] | None:
    """The `terminated` states of the pod's containers by name; None before the good end of `container`."""
    for pod in pods:
        states = {status["name"]: status.get("state", {}).get("terminated") or {} for status in container_statuses(pod)}
        if states.get(container, {}).get("exitCode") == 0:
            return states
    return None
