"""A namespace's workloads, pods, claims, events and logs."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping

import urllib3
from kubernetes.client import ApiException

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import (
    COMPONENT,
    RESTARTED_FOR,
    STOPPED,
    Object,
    backs_off,
    component_of,
    in_stateful_set,
    is_terminating,
    restarted_for,
    selector,
    stamped,
    unready_pods,
)
from provisioner.clients.kubernetes.resources import (
    CLAIMS,
    DEPLOYMENTS,
    EVENTS,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    Resource,
)
from provisioner.clients.kubernetes.streams import LineStream
from provisioner.domain.store import PREFIX

FIELD_MANAGER = "storewright"
NUDGED_AT = PREFIX + "nudged-at"  # an annotation; any change of it makes a controller try again at once


class Workloads(Api):
    """Deployments, StatefulSets and their pods."""

    def workloads(self, namespace: str) -> list[Object]:
        """The namespace's Deployments and StatefulSets."""
        return self._list(DEPLOYMENTS, namespace) + self._list(STATEFUL_SETS, namespace)

    def restart_component(self, namespace: str, component: str, mark: str) -> None:
        """Replace the pods of a component, as its rollout strategy says; not again for the same `mark`.

        The new pods carry the mark. A former pod that is not ready is deleted: a StatefulSet waits for it forever."""
        change = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_FOR: mark}}}}}
        for resource, workload in self._of_component(namespace, component):
            self._patch_if_there(resource, workload["metadata"]["name"], change, namespace)
        pods = [pod for pod in self.pods(namespace, {COMPONENT: component}) if not restarted_for(pod, mark)]
        for name in unready_pods(pod for pod in pods if in_stateful_set(pod) and not is_terminating(pod)):
            self._delete(PODS, name, namespace)

    def stop_component(self, namespace: str, component: str) -> None:
        """Scale the component's workloads to 0, and keep how many replicas `start_component` is to bring back."""
        for resource, workload in self._of_component(namespace, component):
            if replicas := workload["spec"].get("replicas", 1):
                change = {"metadata": {"annotations": {STOPPED: str(replicas)}}, "spec": {"replicas": 0}}
                self._patch_if_there(resource, workload["metadata"]["name"], change, namespace)

    def start_component(self, namespace: str, component: str) -> None:
        """Undo `stop_component`. Does nothing to a workload that was not stopped, or that somebody has scaled since."""
        for resource, workload in self._of_component(namespace, component):
            if before := workload["metadata"].get("annotations", {}).get(STOPPED):
                replicas = workload["spec"].get("replicas") or int(before)
                change = {"metadata": {"annotations": {STOPPED: None}}, "spec": {"replicas": replicas}}
                self._patch_if_there(resource, workload["metadata"]["name"], change, namespace)

    def _of_component(self, namespace: str, component: str) -> Iterator[tuple[Resource, Object]]:
        """The component's workloads, each with its resource."""
        for resource in (DEPLOYMENTS, STATEFUL_SETS):
            for workload in self._list(resource, namespace):
                if component_of(workload) == component:
                    yield resource, workload

    def pods(self, namespace: str, labels: Mapping[str, str] | None = None) -> list[Object]:
        """The namespace's pods with all these labels."""
        return self._list(PODS, namespace, query={"labelSelector": selector(labels or {})})

    def volume_claims(self, namespace: str) -> list[Object]:
        return self._list(CLAIMS, namespace)

    def create_claim(self, namespace: str, name: str, spec: Object, labels: dict[str, str]) -> None:
        """A claim of that name that exists is left as it is."""
        self._create(CLAIMS, {"metadata": {"name": name, "labels": labels}, "spec": spec}, namespace)

    def grow_claim(self, namespace: str, name: str, size: str, *, dry_run: bool) -> None:
        """Ask for a larger volume.

        Raises JobFailed or NotAllowedYet where its StorageClass or a quota forbids it.
        """
        change = {"spec": {"resources": {"requests": {"storage": size}}}}
        query = {"fieldManager": FIELD_MANAGER, **({"dryRun": "All"} if dry_run else {})}
        self._patch(CLAIMS, name, change, namespace, query=query)

    def delete_claim(self, namespace: str, name: str) -> None:
        """Start the deletion of a claim and its volume; a missing one is no error."""
        self._delete(CLAIMS, name, namespace)

    def warning_events(self, namespace: str) -> list[Object]:
        """The namespace's events of type Warning."""
        return self._list(EVENTS, namespace, query={"fieldSelector": "type=Warning"})

    def pod_log(self, namespace: str, pod: str, container: str, *, follow: bool) -> LineStream:
        """The container's whole log.

        With `follow`, every later line follows until the container ends.
        """
        return self._stream(PODS.path(namespace, pod, "log"), {"container": container, "follow": follow})

    def log_tail(self, namespace: str, pod: str, container: str, lines: int, *, restarted: bool) -> str:
        """The last lines of the container's log.

        With `restarted`, and where the current run has logged nothing, the previous run's; '' without a log.
        """
        for previous in (True,) if restarted else (False, True):
            try:
                query = {"container": container, "tailLines": lines, "previous": previous}
                answer = self._send("GET", PODS.path(namespace, pod, "log"), query=query)
                if text := answer.data.decode(errors="replace").strip():
                    return str(text)
            except (ApiException, urllib3.exceptions.HTTPError):
                continue
        return ""

    def stamped_log(self, namespace: str, pod: str, container: str, lines: int) -> list[tuple[float, str]]:
        """The last lines of the container's log, each with the time (epoch seconds) at which it was written."""
        query = {"container": container, "tailLines": lines, "timestamps": True}
        lines_of_log = map(stamped, self._stream(PODS.path(namespace, pod, "log"), query))
        return [line for line in lines_of_log if line]

    def end_pods(self, namespace: str, component: str, grace_seconds: int) -> None:
        """Give the component's pods at most so long to end. Those whose end takes longer are killed then."""
        for pod in self.pods(namespace, {COMPONENT: component}):
            query = {"gracePeriodSeconds": grace_seconds}
            self._delete(PODS, pod["metadata"]["name"], namespace, query=query)

    def end_back_off(self, namespace: str, suspects: Collection[str] = ()) -> None:
        """Make the kubelet and the controllers try again at once.

        So a fixed cause shows within seconds. Pods that back off are deleted, and so are the `suspects` (pod names)
        that are still not ready: a StatefulSet waits for such a pod forever.
        """
        pods = self.pods(namespace)
        unready = unready_pods(pods) & set(suspects)
        for pod in pods:
            if backs_off(pod) or pod["metadata"]["name"] in unready:
                self._delete(PODS, pod["metadata"]["name"], namespace)
        nudge = {"metadata": {"annotations": {NUDGED_AT: str(time.time())}}}
        for resource in (REPLICA_SETS, STATEFUL_SETS):
            for found in self._list(resource, namespace):
                self._patch_if_there(resource, found["metadata"]["name"], nudge, namespace)
