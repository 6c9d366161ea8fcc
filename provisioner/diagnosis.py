"""Why a store is not ready, in one sentence for a person.

Pure functions over pods, claims and events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from provisioner.clients.kubernetes.objects import (
    Object,
    component_of,
    container_statuses,
    is_crashing,
    is_terminating,
    last_exit,
)
from provisioner.domain.errors import RAISE_QUOTA, Problem
from provisioner.domain.text import shorten

FULL_DISK = re.compile(
    r"no space left|out of disk space|disk full|could not write init file|system error 28\b|\btable '[^']+' is full",
    re.IGNORECASE,
)
ERROR = re.compile(r"error|fatal|fail|exception|denied", re.IGNORECASE)
MAX_CAUSE_CHARACTERS = 240
BEFORE_CONTAINERS = ("ContainerCreating", "PodInitializing")  # why containers wait that were never created


class Trouble(StrEnum):
    """The kinds of trouble that keep a store from getting ready."""

    IMAGE = "image"  # the image does not exist, or the node may not pull it
    ACCESS = "access"  # the registry refuses the login, or got none
    REGISTRY = "registry"  # the image's registry does not answer well
    CRASH = "crash"
    CONFIG = "config"
    QUOTA = "quota"
    VOLUME = "volume"
    UNSCHEDULABLE = "unschedulable"
    SANDBOX = "sandbox"  # the pod's volumes, Secrets or network


@dataclass(frozen=True)
class Patience:
    """The seconds that each kind of trouble may last.

    After them the job fails. Some trouble passes by itself.
    """

    image: float = 4.0
    access: float = 15.0  # a kubelet under load may pull before it has read the pull secret; it tries again after 10 s
    registry: float = 60.0  # the kubelet tries again after 10 s, 20 s, …
    crash: float = 6.0  # after the second restart
    config: float = 4.0  # a Secret or ConfigMap may be created a moment later
    quota: float = 4.0
    volume: float = 30.0
    unschedulable: float = 90.0  # an autoscaler needs a minute
    sandbox: float = 60.0  # a volume may attach slowly
    wrong_answer: float = 60.0  # of a store with Ready pods; an ingress needs a moment
    no_answer: float = 300.0  # a shop on a busy machine is slow, not broken

    def seconds(self, trouble: Trouble) -> float:
        return float(getattr(self, trouble))


@dataclass(frozen=True)
class Symptom:
    """Trouble that shows now.

    `pod` and `container` are set where the container's log may say more: with `restarted`, that of its previous run.
    """

    kind: Trouble
    subject: str  # the object that has it
    problem: Problem
    pod: str = ""
    container: str = ""
    restarted: bool = False


class PodWatcher:
    """Finds trouble that lasts longer than its patience."""

    def __init__(self, store: str, patience: Patience, since: float) -> None:
        """Events from before `since` (epoch seconds) are ignored: they belong to an earlier attempt."""
        self.store, self.patience, self.since = store, patience, since
        self._first_seen: dict[tuple[Trouble, str], float] = {}

    def look(
        self, pods: Iterable[Object], claims: Iterable[Object], warnings: Iterable[Object], now: float
    ) -> tuple[Symptom | None, Symptom | None]:
        """The symptom that has lasted too long, and the likeliest one now.

        Each is None without trouble. `now` is in epoch seconds.
        """
        fresh = [event for event in warnings if event_time(event) >= self.since]
        found = list(symptoms_of(self.store, list(pods), list(claims), fresh))
        self._first_seen = {
            key: self._first_seen.get(key, now) for key in ((symptom.kind, symptom.subject) for symptom in found)
        }
        for symptom in found:
            lasted = now - self._first_seen[(symptom.kind, symptom.subject)]
            if lasted >= self.patience.seconds(symptom.kind):
                return symptom, symptom
        return None, (found[0] if found else None)


def symptoms_of(store: str, pods: list[Object], claims: list[Object], warnings: list[Object]) -> Iterator[Symptom]:
    """All trouble in a store's namespace, the likeliest root cause first."""
    yield from _claims(store, claims, warnings)
    yield from _refused_pods(store, pods, warnings)
    for pod in pods:
        if is_terminating(pod):
            continue
        yield from _unschedulable(store, pod)
        for status in container_statuses(pod):
            yield from _container(store, pod, status)
        yield from _sandbox(store, pod, warnings)


def failed_run_of(store: str, pods: Iterable[Object], component: str) -> Symptom | None:
    """The symptom of a component's newest failed pod, or None.

    Such a pod is a migration's.
    """
    runs = sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), reverse=True)
    for pod in runs:
        for status in container_statuses(pod) if component_of(pod, "") == component else []:
            ended = status.get("state", {}).get("terminated") or {}
            if ended.get("exitCode"):
                return _ended_badly(store, component, pod, status, ended)
    return None


def crash_between(store: str, before: Iterable[Object], after: Iterable[Object], component: str) -> Symptom | None:
    """The symptom of a component that crashed between two looks at its pods, even if it runs again, or None."""
    known = {pod["metadata"]["uid"]: _restarts(pod) for pod in before}
    for pod in after:
        if component_of(pod, "") != component or _restarts(pod) <= known.get(pod["metadata"]["uid"], 0):
            continue
        for status in container_statuses(pod):
            ended = status.get("lastState", {}).get("terminated") or {}
            if ended.get("exitCode"):
                return replace(_ended_badly(store, component, pod, status, ended), restarted=True)
    return None


def _restarts(pod: Object) -> int:
    return sum(status.get("restartCount", 0) for status in container_statuses(pod))


def _ended_badly(store: str, component: str, pod: Object, status: Object, ended: Object) -> Symptom:
    why, cause = f"it ended with exit code {ended['exitCode']}", ""
    if ended.get("reason") == "OOMKilled":
        why = "it needs more memory than its limit"
    if ended.get("reason") == "StartError":  # such as a command that the image does not have
        why, cause = "it could not start", f"{ended.get('message', '')}"
    problem = Problem(f"The {component} of {store} failed: {why}.", cause, "Fix the cause, then retry.")
    return Symptom(Trouble.CRASH, pod["metadata"]["name"], problem, pod["metadata"]["name"], status["name"])


def quote_error_in(log: str) -> str:
    """Quotes the log's last line about a full disk, else the last about an error, else the last line.

    '' for an empty log.
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    full, errors = ([line for line in lines if words.search(line)] for words in (FULL_DISK, ERROR))
    quote = f"Its log says “{_sentence((full or errors or lines)[-1])}”." if lines else ""
    return f"A disk is full. {quote}" if full else quote


def event_time(event: Object) -> float:
    """The time at which an event was last seen, in epoch seconds."""
    series = event.get("series") or {}
    stamp = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    stamp = stamp or event["metadata"]["creationTimestamp"]
    # Kubernetes timestamps may be whole seconds: an event of this second must not look older than its cause.
    return datetime.fromisoformat(stamp).timestamp() + 1.0


def deletion_obstacles(namespace: Object) -> str:
    """Kubernetes' reasons why a deleted namespace still exists; '' for none."""
    conditions = namespace.get("status", {}).get("conditions", [])
    return " ".join(c["message"] for c in conditions if c["status"] == "True" and c.get("message"))


def _container(store: str, pod: Object, status: Object) -> Iterator[Symptom]:
    waiting = status.get("state", {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    where = f"The {_component(pod)} of {store}"
    name, container = pod["metadata"]["name"], status["name"]
    subject = f"{name}/{container}"
    if reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"):
        what = f"{where} can't start: its image {status['image']} can't be pulled ({reason})."
        next_step = "Check the image's name and tag and that the nodes reach its registry, then retry."
        kind, cause = _image_trouble(message)
        yield Symptom(kind, subject, Problem(what, cause, next_step))
    elif reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
        what = f"{where} can't start: its container can't be created ({reason})."
        next_step = "Create what is missing, or correct the chart, then retry."
        # A kubelet under load may not have read the pod's Secrets yet: it tries again.
        kind = Trouble.SANDBOX if "failed to sync" in message else Trouble.CONFIG
        yield Symptom(kind, subject, Problem(what, _sentence(message), next_step))
    elif is_crashing(status):
        problem = _crash(where, status["restartCount"], last_exit(status))
        yield Symptom(Trouble.CRASH, subject, problem, name, container)


def _crash(where: str, restarts: int, ended: Object) -> Problem:
    if ended.get("reason") == "OOMKilled":
        what = f"{where} was killed {restarts} times because it needs more memory than its limit."
        return Problem(what, "", "Raise its memory limit in STORE_VALUES, then retry.")
    last = f", last with exit code {ended['exitCode']}" if "exitCode" in ended else ""
    what = f"{where} keeps crashing: it ended {restarts} times{last}."
    return Problem(what, "", "The end of its log says more; fix the cause, then retry.")


def _unschedulable(store: str, pod: Object) -> Iterator[Symptom]:
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            what = f"The {_component(pod)} of {store} finds no node to run on."
            next_step = "Add a node that fits, or make room on one, then retry."
            problem = Problem(what, _sentence(condition.get("message", "")), next_step)
            yield Symptom(Trouble.UNSCHEDULABLE, pod["metadata"]["name"], problem)


def _refused_pods(store: str, pods: list[Object], warnings: list[Object]) -> Iterator[Symptom]:
    """Pods that a controller may not create: only the controller's events show it, there is no pod."""
    for event in warnings:
        owner = event["involvedObject"]
        if event.get("reason") != "FailedCreate" or any(_owned_by(pod, owner) for pod in pods):
            continue
        message = event.get("message", "")
        if "exceeded quota" in message:
            what = f"{store} can't start: the quota of its namespace is full."
            next_step = RAISE_QUOTA
        else:
            what = f"{store} can't start: the cluster refuses its pods."
            next_step = "Correct the chart, then retry."
        yield Symptom(Trouble.QUOTA, owner["name"], Problem(what, _sentence(message), next_step))


def _claims(store: str, claims: list[Object], warnings: list[Object]) -> Iterator[Symptom]:
    for claim in claims:
        name = claim["metadata"]["name"]
        if claim.get("status", {}).get("phase") != "Pending":
            continue
        class_name = claim["spec"].get("storageClassName")
        messages = [e["message"] for e in warnings if _about(e, "PersistentVolumeClaim", name)]
        if messages or not class_name:
            what = f"A volume of {store} ({name}) can't be created."
            cause = _sentence(messages[-1]) if messages else "The cluster has no default StorageClass."
            next_step = "Check the StorageClass and its provisioner, then retry."
            yield Symptom(Trouble.VOLUME, name, Problem(what, cause, next_step))


def _sandbox(store: str, pod: Object, warnings: list[Object]) -> Iterator[Symptom]:
    """A pod on its node whose containers can't be created yet, because of its volumes or network."""
    name = pod["metadata"]["name"]
    waiting = [status.get("state", {}).get("waiting") or {} for status in container_statuses(pod)]
    mounted = any(state.get("reason") not in BEFORE_CONTAINERS for state in waiting)
    if pod.get("status", {}).get("phase") != "Pending" or mounted:  # then its warnings are of a former try
        return
    reasons = ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
    messages = [e["message"] for e in warnings if _about(e, "Pod", name) and e.get("reason") in reasons]
    if messages:
        what = f"The {_component(pod)} of {store} can't start on its node."
        next_step = "Fix the node or the volume, then retry."
        yield Symptom(Trouble.SANDBOX, name, Problem(what, _sentence(messages[-1]), next_step))


def _about(event: Object, kind: str, name: str) -> bool:
    about = event["involvedObject"]
    return bool(about.get("kind") == kind and about.get("name") == name)


def _owned_by(pod: Object, owner: Object) -> bool:
    return any(o["name"] == owner.get("name") for o in pod["metadata"].get("ownerReferences", []))


def _component(pod: Object) -> str:
    return component_of(pod, f"pod {pod['metadata']['name']}")


def _image_trouble(message: str) -> tuple[Trouble, str]:
    """The kind of a failed pull, and the registry's own reason out of the kubelet's long message."""
    low = message.lower()
    if "no such host" in low:
        host = _sentence(low.rsplit("lookup", 1)[-1])
        return Trouble.IMAGE, f"Its registry's name does not resolve on the node: {host}"
    if "not found" in low or "does not exist" in low or "manifest unknown" in low or "invalid" in low:
        return Trouble.IMAGE, "The registry has no such image or tag."
    if "unauthorized" in low or "denied" in low or "authorization failed" in low:
        cause = "The registry refuses access; a private image needs a login for stores (IMAGE_PULL_SECRET)."
        return Trouble.ACCESS, cause
    if "dial tcp" in low or "timeout" in low:
        reason = _sentence(message.rsplit("dial tcp", 1)[-1].lstrip(" :"))
        return Trouble.REGISTRY, f"The node can't reach the registry: {reason}"
    return (Trouble.REGISTRY if "pull" in low else Trouble.IMAGE), _sentence(message)


def _sentence(text: str) -> str:
    return shorten(" ".join(text.split()), MAX_CAUSE_CHARACTERS)
