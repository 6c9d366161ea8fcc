"""The pods of all workers, from one watch for all running jobs."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from provisioner.clients.kubernetes.cluster import Cluster, Object
from provisioner.clients.kubernetes.feed import Feed
from provisioner.domain.errors import StorewrightError, Transient
from provisioner.domain.store import JOB

TICK_SECONDS = 0.5  # after which the thread sees that nobody needs it any more
FIRST_PAUSE_SECONDS = 0.5  # before the pods are listed again after a failure; it doubles
LONGEST_PAUSE_SECONDS = 5.0
EVENTS_SECONDS = 2.0  # for which one list of the namespace's events serves all jobs
log = logging.getLogger(__name__)


class WorkerPods:
    """One watch on the workers' pods for all jobs. Thread-safe.

    It is open while at least one job needs it.
    """

    def __init__(self, cluster: Cluster, namespace: str, labels: Mapping[str, str]) -> None:
        """`labels` are those that the pods of all workers of this instance have."""
        self._cluster, self._namespace, self._labels = cluster, namespace, labels
        self._lock = threading.Lock()
        self._feeds: dict[str, Feed[list[Object]]] = {}  # by job
        self._pods: dict[str, list[Object]] | None = None  # by job; None while they are not known
        self._stop: threading.Event | None = None  # of the running thread
        self._warnings = _Warnings(cluster, namespace)

    @contextmanager
    def of(self, job_id: str) -> Iterator[Feed[list[Object]]]:
        """A feed of the job's pods.

        It fails with Transient or JobFailed while the pods can't be listed.
        """
        feed = Feed[list[Object]]()
        with self._lock:
            self._feeds[job_id] = feed
            if self._pods is not None:
                feed.put(self._pods.get(job_id, []))
            if not self._stop:
                self._stop = threading.Event()
                threading.Thread(target=self._run, args=(self._stop,), name="worker-pods", daemon=True).start()
        try:
            yield feed
        finally:
            with self._lock:
                del self._feeds[job_id]
                if not self._feeds and self._stop:
                    self._stop.set()
                    self._stop = self._pods = None

    def warnings_about(self, name: str) -> list[Object]:
        """The Warning events about a Job and its pods.

        They are at most EVENTS_SECONDS old.
        Raises Transient or JobFailed.
        """
        return self._warnings.about(name)

    def _run(self, stop: threading.Event) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not stop.is_set():
            try:
                with self._cluster.watch_pods(self._namespace, self._labels) as snapshots:
                    for pods in snapshots.every(TICK_SECONDS):
                        pause = FIRST_PAUSE_SECONDS
                        if not self._deliver(stop, pods):
                            return
            except Exception as error:  # noqa: BLE001  (jobs whose pods nobody watches would have no end)
                log.warning("could not list the workers' pods: %s", error)
                self._fail(stop, error)
                stop.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _deliver(self, stop: threading.Event, pods: list[Object]) -> bool:
        """Give each job its pods where they have changed; False once nobody needs them."""
        by_job: dict[str, list[Object]] = defaultdict(list)
        for pod in pods:
            by_job[pod["metadata"]["labels"].get(JOB, "")].append(pod)
        with self._lock:
            if stop.is_set():
                return False
            for job_id, feed in self._feeds.items():
                now = by_job.get(job_id, [])
                if self._pods is None or self._pods.get(job_id, []) != now:
                    feed.put(now)
            self._pods = dict(by_job)
            return True

    def _fail(self, stop: threading.Event, error: Exception) -> None:
        known = isinstance(error, StorewrightError)
        reason = error if known else Transient("The workers' pods can't be listed.", f"{type(error).__name__}: {error}")
        with self._lock:
            if not stop.is_set():
                self._pods = None
                for feed in self._feeds.values():
                    feed.fail(reason)


class _Warnings:
    """The Warning events of a namespace, listed at most every EVENTS_SECONDS however many jobs ask."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self._lock = threading.Lock()
        self._listed_at = float("-inf")
        self._events: dict[str, list[Object]] = {}  # by the Job's name

    def about(self, name: str) -> list[Object]:
        with self._lock:
            if time.monotonic() - self._listed_at > EVENTS_SECONDS:
                self._listed_at = time.monotonic()  # also where it fails: others need not wait for the same failure
                self._events = _by_job_name(self._cluster.warning_events(self._namespace))
            return self._events.get(name, [])


def _by_job_name(events: list[Object]) -> dict[str, list[Object]]:
    """The events by the name of the Job they are about; a pod's name is its Job's with a suffix."""
    found: dict[str, list[Object]] = defaultdict(list)
    for event in events:
        name = event["involvedObject"].get("name", "")
        for job in {name, name.rpartition("-")[0]}:
            found[job].append(event)
    return dict(found)
