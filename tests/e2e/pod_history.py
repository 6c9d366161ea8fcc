"""PodHistory: the pods of a namespace while something replaces them."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from provisioner.clients.kubernetes.cluster import Cluster, Object
from provisioner.clients.kubernetes.objects import component_of, is_ready, is_terminating

TICK_SECONDS = 0.2  # between looks while the watch reports no change


class PodHistory:
    """Watches the pods in the block.

    The times are those of the first look at which a pod (by uid) existed, was ready or was terminating."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._cluster, self._namespace = Cluster(kubeconfig), namespace
        self._uids: dict[str, list[str]] = {}
        self.seen: dict[str, float] = {}
        self.ready: dict[str, float] = {}
        self.terminating: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> PodHistory:
        self._look(self._cluster.pods(self._namespace))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look(self._cluster.pods(self._namespace))

    def uids(self, component: str) -> list[str]:
        """The component's pods, the oldest first."""
        return self._uids.get(component, [])

    def _watch(self) -> None:
        with self._cluster.watch_pods(self._namespace) as snapshots:
            for pods in snapshots.every(TICK_SECONDS):
                self._look(pods)
                if self._over.is_set():
                    return

    def _look(self, pods: list[Object]) -> None:
        now = time.monotonic()
        for pod in pods:
            uid = pod["metadata"]["uid"]
            if uid not in self.seen:
                self._uids.setdefault(component_of(pod), []).append(uid)
            self.seen.setdefault(uid, now)
            if is_ready(pod):
                self.ready.setdefault(uid, now)
            if is_terminating(pod):
                self.terminating.setdefault(uid, now)
