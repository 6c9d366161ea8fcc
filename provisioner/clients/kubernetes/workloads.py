"""A namespace's workloads, pods, claims, events and logs."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

import urllib3
from kubernetes import client

from provisioner.clients.kubernetes.api import TIMEOUT_SECONDS, Api
from provisioner.clients.kubernetes.objects import (
    COMPONENT,
    RESTARTED_FOR,
    Object,
    backs_off,
    component_of,
    in_stateful_set,
    is_terminating,
    restarted_for,
    selector,
    unready_pods,
)
from provisioner.clients.kubernetes.streams import LineStream
from provisioner.domain.store import PREFIX

FIELD_MANAGER = "storewright"
NUDGED_AT = PREFIX + "nudged-at"  # an annotation; any change of it makes a controller try again at once


class Workloads(Api):
    """Deployments, StatefulSets and their pods."""

    def workloads(self, namespace: str) -> list[Object]:
        """The namespace's Deployments and StatefulSets."""
        deployments = self._list(self._apps.list_namespaced_deployment, namespace)
        return deployments + self._list(self._apps.list_namespaced_stateful_set, namespace)

    def restart_component(self, namespace: str, component: str, mark: str) -> None:
        """Replace the pods of a component, as its rollout strategy says; not again for the same `mark`.

        The new pods carry the mark. A former pod that is not ready is deleted: a StatefulSet waits for it forever."""
        change = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_FOR: mark}}}}}
        for lister, patch in (
            (self._apps.list_namespaced_deployment, self._apps.patch_namespaced_deployment),
            (self._apps.list_namespaced_stateful_set, self._apps.patch_namespaced_stateful_set),
        ):
            for workload in self._list(lister, namespace):
                if component_of(workload) == component:
                    self._find(patch, workload["metadata"]["name"], namespace, change)
        pods = [pod for pod in self.pods(namespace, {COMPONENT: component}) if not restarted_for(pod, mark)]
        for name in unready_pods(pod for pod in pods if in_stateful_set(pod) and not is_terminating(pod)):
            self._find(self._core.delete_namespaced_pod, name, namespace)

    def pods(self, namespace: str, labels: Mapping[str, str] | None = None) -> list[Object]:
        """The namespace's pods with all these labels."""
        return self._list(self._core.list_namespaced_pod, namespace, label_selector=selector(labels or {}))

    def volume_claims(self, namespace: str) -> list[Object]:
        return self._list(self._core.list_namespaced_persistent_volume_claim, namespace)

    def grow_claim(self, namespace: str, name: str, size: str, *, dry_run: bool) -> None:
        """Ask for a larger volume.

        Raises JobFailed or NotAllowedYet where its StorageClass or a quota forbids it.
        """
        change = {"spec": {"resources": {"requests": {"storage": size}}}}
        options = {"dry_run": "All"} if dry_run else {}
        patch = self._core.patch_namespaced_persistent_volume_claim
        self._call(patch, name, namespace, change, field_manager=FIELD_MANAGER, **options)

    def delete_claim(self, namespace: str, name: str) -> None:
        """Start the deletion of a claim and its volume; a missing one is no error."""
        self._find(self._core.delete_namespaced_persistent_volume_claim, name, namespace)

    def warning_events(self, namespace: str) -> list[Object]:
        """The namespace's events of type Warning."""
        return self._list(self._core.list_namespaced_event, namespace, field_selector="type=Warning")

    def pod_log(self, namespace: str, pod: str, container: str, *, follow: bool) -> LineStream:
        """The container's whole log.

        With `follow`, every later line follows until the container ends.
        """
        read = self._core.read_namespaced_pod_log
        return self._stream(read, pod, namespace, container=container, follow=follow)

    def log_tail(self, namespace: str, pod: str, container: str, lines: int = 15) -> str:
        """The last lines of the container's log.

        Where the current run has logged nothing, the previous run's; '' without a log.
        """
        for previous in (False, True):
            try:
                answer = self._core.read_namespaced_pod_log(
                    pod, namespace, container=container, tail_lines=lines, previous=previous,
                    _preload_content=False, _request_timeout=TIMEOUT_SECONDS,
                )  # fmt: skip
                if text := answer.data.decode(errors="replace").strip():
                    return str(text)
            except (client.ApiException, urllib3.exceptions.HTTPError):
                continue
        return ""

    def end_back_off(self, namespace: str, suspects: Collection[str] = ()) -> None:
        """Make the kubelet and the controllers try again at once.

        So a fixed cause shows within seconds. Pods that back off are deleted, and so are the `suspects` (pod names)
        that are still not ready: a StatefulSet waits for such a pod forever.
        """
        pods = self.pods(namespace)
        unready = unready_pods(pods) & set(suspects)
        for pod in pods:
            if backs_off(pod) or pod["metadata"]["name"] in unready:
                self._find(self._core.delete_namespaced_pod, pod["metadata"]["name"], namespace)
        nudge = {"metadata": {"annotations": {NUDGED_AT: str(time.time())}}}
        self._each(self._apps.list_namespaced_replica_set, self._apps.patch_namespaced_replica_set, namespace, nudge)
        self._each(self._apps.list_namespaced_stateful_set, self._apps.patch_namespaced_stateful_set, namespace, nudge)
