"""The time line of one order: what happened when, and whose time it was.

Kubernetes writes whole seconds into its objects. So pods and events are watched here, and get the time at which they
arrive. The readiness probe's path is asked every 20 ms too: what lies between its first answer and the pod's Ready is
the wait for a probe, and not the engine's.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from dev.cluster import Cluster
from dev.stack import Stack
from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import component_of, container_statuses, is_ready
from provisioner.clients.kubernetes.resources import EVENTS, PODS, Resource
from provisioner.clients.kubernetes.streams import LineStream
from provisioner.domain.errors import StorewrightError
from provisioner.domain.job import EventKind, JobEvent
from provisioner.ledger.ledger import Ledger
from provisioner.operations.create import CREATE
from tests.bench import orders
from tests.waiting import answers

OURS, KUBERNETES, ENGINE = "ours", "Kubernetes", "engine"
PROBE_SECONDS = 0.02
Object = dict[str, Any]


@dataclass(frozen=True, order=True)
class Mark:
    """Something that happened `at` so many seconds after the command; the time before it was spent by `part`."""

    at: float
    what: str
    part: str


def of_order(stack: Stack, cluster: Cluster, type_name: str, name: str) -> list[Mark]:
    """The marks of one order of a store, in their order. The store is deleted at the end."""
    with _watching(cluster, stack.addresses.namespace(name)) as seen:
        begun = time.time()
        with orders.store(stack, type_name, name):
            ready = time.time()
    marks = [Mark(at - begun, what, part) for (what, part), at in seen.items() if at < ready]
    marks += [Mark(event.at - begun, what, OURS) for event in _events(stack, name) if (what := _stage(event))]
    return sorted([*marks, Mark(ready - begun, "Slack shows Ready", OURS)])


def by_part(marks: list[Mark]) -> dict[str, float]:
    """The seconds of each part. The time between two marks counts for the part of the second one."""
    spent = dict.fromkeys((OURS, KUBERNETES, ENGINE), 0.0)
    for before, mark in zip([0.0, *(mark.at for mark in marks)], marks, strict=False):
        spent[mark.part] += mark.at - before
    return spent


def _events(stack: Stack, name: str) -> list[JobEvent]:
    ledger = Ledger.shared(stack.folder / "ledger.db")
    try:
        (job,) = [job for job in ledger.jobs.of_kind(CREATE.kind) if job.store == name]
        return ledger.jobs.events(job.id)
    finally:
        ledger.close()


def _stage(event: JobEvent) -> str:
    words = {EventKind.QUEUED: "order accepted", EventKind.SUCCEEDED: "job succeeded"}
    if event.kind in (EventKind.STARTED, EventKind.DONE):
        return f"stage {event.stage} {'starts' if event.kind is EventKind.STARTED else 'done'}"
    return words.get(event.kind, "")


# --- what the cluster shows ----------------------------------------------------------------------------------------


class Watched(Api):
    """Watches that start before their namespace exists."""

    def changes(self, resource: Resource, namespace: str) -> LineStream:
        return self._stream(resource.path(namespace), {"watch": True})


Seen = dict[tuple[str, str], float]  # (what, part): when it was seen first


@contextmanager
def _watching(cluster: Cluster, namespace: str) -> Iterator[Seen]:
    """What happens in the namespace, until the block ends."""
    seen: Seen = {}
    probes: set[str] = set()

    def note(what: str, part: str) -> None:
        seen.setdefault((what, part), time.time())

    def on_pod(pod: Object) -> None:
        _note_pod(pod, note)
        if (url := _probe_url(pod)) and url not in probes:
            probes.add(url)
            threading.Thread(target=_probe, args=(url, component_of(pod), note, stopped), daemon=True).start()

    stopped = threading.Event()
    streams = []
    for resource, use in ((PODS, on_pod), (EVENTS, lambda event: _note_event(event, note))):
        stream = Watched(cluster.kubeconfig).changes(resource, namespace)
        threading.Thread(target=_follow, args=(stream, use), daemon=True).start()
        streams.append(stream)
    try:
        yield seen
    finally:
        stopped.set()
        for stream in streams:
            stream.stop()


def _follow(stream: LineStream, use: Callable[[Object], None]) -> None:
    with suppress(StorewrightError):
        for line in stream:
            use(json.loads(line)["object"])


def _note_pod(pod: Object, note: Callable[[str, str], None]) -> None:
    component = component_of(pod, "?")
    note(f"pod {component} exists", KUBERNETES)
    if any(c["type"] == "PodScheduled" and c["status"] == "True" for c in pod["status"].get("conditions", [])):
        note(f"pod {component} has a node", KUBERNETES)
    for status in container_statuses(pod):
        state = status.get("state", {})
        if state.get("running") or state.get("terminated"):
            note(f"container {component}/{status['name']} runs", KUBERNETES)
        if state.get("terminated"):
            note(f"container {component}/{status['name']} ended", ENGINE)
    if is_ready(pod):
        note(f"pod {component} is Ready", KUBERNETES)


def _note_event(event: Object, note: Callable[[str, str], None]) -> None:
    """Only what pods do not show: volumes, images, failed probes."""
    if event.get("reason") in ("ProvisioningSucceeded", "Pulling", "Pulled", "Unhealthy", "FailedScheduling"):
        about = event["involvedObject"]["name"].removeprefix("store-")
        note(f"{event['reason']} {about}: {event['message'][:60]}", KUBERNETES)


def _probe_url(pod: Object) -> str:
    """The URL of a running pod's HTTP readiness probe; '' where it has none."""
    address = pod["status"].get("podIP")
    for container in pod["spec"]["containers"] if address else []:
        if probe := container.get("readinessProbe", {}).get("httpGet"):
            ports = {port["name"]: port["containerPort"] for port in container.get("ports", []) if "name" in port}
            return f"http://{address}:{ports.get(probe['port'], probe['port'])}{probe.get('path', '/')}"
    return ""


def _probe(url: str, component: str, note: Callable[[str, str], None], stopped: threading.Event) -> None:
    while not stopped.is_set():
        if answers(url):
            note(f"{component} answers at its probe's path", ENGINE)
            return
        stopped.wait(PROBE_SECONDS)
