"""Pure functions over Kubernetes objects, which are plain dicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from provisioner.domain.store import PREFIX

Object = dict[str, Any]
COMPONENT = "app.kubernetes.io/component"
STOPPED = PREFIX + "stopped"  # an annotation of what the bot stopped: of a workload, its replicas before
RESTARTED_FOR = PREFIX + "restarted-for"  # an annotation of the pods; a new value starts a rollout
LONG_RUN_SECONDS = 600.0  # the kubelet forgets a container's earlier crashes after a run of this length
OVER = ("Succeeded", "Failed")  # phases of pods that run no more
OVERDUE_SECONDS = 1.0  # Kubernetes timestamps are whole seconds


def quantity(text: str) -> Decimal:
    """A quantity as a number: 1024 for 1Ki. Raises ValueError."""
    return Decimal(parse_quantity(text))


def selector(labels: Mapping[str, str]) -> str:
    """A label selector for objects that have all these labels."""
    return ",".join(f"{key}={value}" for key, value in labels.items())


def stamped(line: str) -> tuple[float, str] | None:
    """A line of a log with timestamps: its time (epoch seconds) and text. None for what the kubelet says instead."""
    stamp, _, text = line.partition(" ")
    try:
        return datetime.fromisoformat(stamp).timestamp(), text
    except ValueError:
        return None


def ready_since(pod: Object) -> float | None:
    """When the pod became Ready (epoch seconds); None if it is not."""
    conditions = pod.get("status", {}).get("conditions", []) if is_ready(pod) else []
    times = [c.get("lastTransitionTime") for c in conditions if c["type"] == "Ready"]
    return datetime.fromisoformat(times[0]).timestamp() if times and times[0] else None


def component_of(found: Object, default: str = "application") -> str:
    """The component label of a workload or pod."""
    return str(found["metadata"].get("labels", {}).get(COMPONENT, default))


def restarted_for(pod: Object, mark: str) -> bool:
    """Whether the restart with this mark created the pod."""
    return bool((pod["metadata"].get("annotations") or {}).get(RESTARTED_FOR) == mark)


def in_stateful_set(pod: Object) -> bool:
    return any(owner.get("kind") == "StatefulSet" for owner in pod["metadata"].get("ownerReferences", []))


def owned_by(found: Object, *, uid: str) -> bool:
    """Whether the object with this uid owns it."""
    return any(owner.get("uid") == uid for owner in found["metadata"].get("ownerReferences", []))


def end_reason(job: Object) -> str:
    """Kubernetes' reason why a Job is over; '' for a running Job."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            return str(condition.get("reason") or condition["type"])
    return ""


def rolled_out(workload: Object) -> bool:
    """Whether all pods of a workload come from its current template."""
    status, wanted = workload.get("status", {}), workload["spec"].get("replicas", 1)
    observed = status.get("observedGeneration", 0) >= workload["metadata"].get("generation", 0)
    return bool(observed and status.get("updatedReplicas", 0) == wanted == status.get("replicas", 0))


def is_ready(pod: Object) -> bool:
    """Whether a pod is Ready and not terminating."""
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and not is_terminating(pod)


def is_terminating(found: Object) -> bool:
    """Whether an object is being deleted."""
    return "deletionTimestamp" in found["metadata"]


def ready_pods(pods: Iterable[Object], component: str) -> int:
    """The number of ready pods of a component."""
    return sum(component_of(pod, "") == component and is_ready(pod) for pod in pods)


def terminating_pods(pods: Iterable[Object], component: str, now: float) -> bool:
    """Whether a terminating pod of the component may still answer requests.

    An overdue pod does not count: its node is gone. `now` is in epoch seconds.
    """
    ends = [p["metadata"]["deletionTimestamp"] for p in pods if component_of(p, "") == component and is_terminating(p)]
    return any(datetime.fromisoformat(end).timestamp() + OVERDUE_SECONDS > now for end in ends)


def active_pods(pods: Iterable[Object], component: str, now: float) -> bool:
    """Whether a pod of the component runs, will run or is still terminating. `now` is in epoch seconds."""
    own = [pod for pod in pods if component_of(pod, "") == component]
    return terminating_pods(own, component, now) or any(
        not is_terminating(pod) and pod.get("status", {}).get("phase") not in OVER for pod in own
    )


def runs(pod: Object) -> bool:
    """Whether a container of the pod runs now."""
    return any("running" in status.get("state", {}) for status in pod["status"].get("containerStatuses") or [])


def unready_pods(pods: Iterable[Object]) -> set[str]:
    """Names of the pods that should serve and are not ready."""
    return {p["metadata"]["name"] for p in pods if not is_ready(p) and p.get("status", {}).get("phase") not in OVER}


def backs_off(pod: Object) -> bool:
    """Whether the kubelet delays the next start of a container.

    Also where it will do so after the next crash.
    """
    statuses = container_statuses(pod)
    reasons = [(status.get("state", {}).get("waiting") or {}).get("reason", "") for status in statuses]
    waits = any(reason.endswith(("BackOff", "Error")) or reason.startswith("Err") for reason in reasons)
    return waits or any(map(is_crashing, statuses))


def container_statuses(pod: Object) -> list[Object]:
    """The statuses of a pod's containers, init containers first."""
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def is_crashing(status: Object) -> bool:
    """Whether a container crashes repeatedly; its last run was short, too."""
    short = _run_seconds(last_exit(status)) < LONG_RUN_SECONDS
    return bool(status.get("restartCount", 0) >= 2 and not status.get("ready") and short)


def last_exit(status: Object) -> Object:
    """The end of a container's last run, as a `terminated` state; empty where Kubernetes does not say.

    Right after a crash it is the state itself, and the last state may be gone with the container before.
    """
    states = (status.get("state") or {}, status.get("lastState") or {})
    return next((state["terminated"] for state in states if state.get("terminated")), {})


def _run_seconds(ended: Object) -> float:
    """The length of a container's run; 0 where Kubernetes does not say."""
    if not ended.get("startedAt") or not ended.get("finishedAt"):
        return 0.0
    run = datetime.fromisoformat(ended["finishedAt"]) - datetime.fromisoformat(ended["startedAt"])
    return run.total_seconds()
