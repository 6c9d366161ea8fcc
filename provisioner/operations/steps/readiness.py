"""The step that waits until a store's pods are Ready, and says what keeps them from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from provisioner.clients.kubernetes.cluster import Object, Snapshots
from provisioner.clients.kubernetes.objects import (
    active_pods,
    component_of,
    ready_pods,
    rolled_out,
    runs,
    terminating_pods,
)
from provisioner.diagnosis import PodWatcher, Symptom, quote_error_in
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.spec import Stage
from provisioner.operations.toolbox import Toolbox

DATABASE = "database"  # the component of a store's own database
DATABASE_UP = Stage(DATABASE, "Wait for the database", "Database is up")
APPLICATION_UP = Stage("application", "Wait for the application", "Application is up")
LOG_LINES = 200  # where the cause is looked for: MariaDB's report of its crash has 80 lines
SHOWN_LOG_LINES = 15
POLL_SECONDS = 0.5  # between looks while the watch reports no change
EXAMINE_SECONDS = 1.0  # between requests for what the watch does not show: claims, events and Jobs


def await_components(
    tools: Toolbox, job: Job, store: Store, secret: dict[str, str], since: float, *, only: str = ""
) -> None:
    """Wait, a stage for each, until the release's components are ready, or `only` this one; `since` as in PodWatcher.

    Raises JobFailed, Transient, Superseded, HandedOver."""
    with monitoring(tools, job, store, secret, since) as monitor:
        for component in filter(lambda name: only in ("", name), monitor.components()):
            with tools.stage(job, component):
                monitor.await_ready(component)


def await_database(tools: Toolbox, job: Job, store: Store, secret: dict[str, str], since: float) -> None:
    """Wait until the release's database is ready, if it has one, whatever the other pods do; `since` as in PodWatcher.

    Raises JobFailed, Transient, Superseded, HandedOver."""
    with monitoring(tools, job, store, secret, since) as monitor:
        if DATABASE in monitor.components():
            monitor.await_ready(DATABASE, lambda pod: component_of(pod) == DATABASE)


@contextmanager
def monitoring(
    tools: Toolbox, job: Job, store: Store, secret: dict[str, str], since: float
) -> Iterator[RolloutMonitor]:
    """A RolloutMonitor of the store's pods, for the length of the block."""
    with tools.cluster.watch_pods(store.namespace) as snapshots:
        yield RolloutMonitor(tools, job, store, secret, since, snapshots)


class RolloutMonitor:
    """Looks at a store's pods at each change, until they are Ready or their trouble lasts too long."""

    def __init__(
        self, tools: Toolbox, job: Job, store: Store, secret: dict[str, str], since: float, snapshots: Snapshots
    ) -> None:
        self._tools, self._job, self._store, self._secret = tools, job, store, secret
        self._snapshots = snapshots.every(POLL_SECONDS)
        self._watcher = PodWatcher(store.name, tools.defaults.patience, since)
        self._examined_at = 0.0
        self._likeliest: Symptom | None = None

    def components(self) -> list[str]:
        """The components of the release, the database first."""
        found = {component_of(workload) for workload in self._workloads()}
        return sorted(found, key=lambda name: (name != DATABASE, name))

    def await_ready(self, component: str, counts: Callable[[Object], bool] = lambda _: True) -> None:
        """Wait until all pods of the component are Ready, and no pod of a former revision answers.

        Only pods that `counts` accepts may be Ready or the cause of a failure. Raises JobFailed with the cause."""
        wanted = sum(workload["spec"].get("replicas", 1) for workload in self._workloads(component))

        def serve(pods: list[Object]) -> bool:
            terminating = terminating_pods(pods, component, self._tools.ledger.clock())
            return ready_pods(filter(counts, pods), component) >= wanted and not terminating

        for snapshot in self._snapshots:
            rolled = serve(snapshot) and all(map(rolled_out, self._workloads(component)))
            # The watch may be behind the workloads, and not show yet that an old pod is terminating.
            if rolled and serve(self._tools.cluster.pods(self._store.namespace)):
                return
            self._examine(f"The {component} of {self._store.name} was not ready", [p for p in snapshot if counts(p)])

    def await_running(self, component: str) -> None:
        """Wait until at least one pod of the component is Ready.

        Raises JobFailed with the cause, Superseded or HandedOver."""
        for snapshot in self._snapshots:
            if ready_pods(snapshot, component):
                return
            if not sum(workload["spec"].get("replicas", 1) for workload in self._workloads(component)):
                what = f"The {component} of {self._store.name} does not run: it has no pods."
                next_step = f"An upgrade starts them again: /store upgrade {self._store.name}"
                raise JobFailed(what, "Somebody scaled it to 0, or deleted it.", next_step)
            self._examine(f"The {component} of {self._store.name} was not ready", snapshot)

    def await_gone(self, component: str, grace_seconds: int | None = None) -> None:
        """Wait until no pod of the component can write any more; with `grace_seconds`, pods are killed after so long.

        Raises JobFailed, Superseded or HandedOver."""
        cluster, namespace = self._tools.cluster, self._store.namespace

        def gone(pods: list[Object]) -> bool:
            return not active_pods(pods, component, self._tools.ledger.clock())

        for snapshot in self._snapshots:
            if gone(snapshot) and gone(cluster.pods(namespace)):  # the watch may be behind
                return
            if grace_seconds is not None:
                cluster.end_pods(namespace, component, grace_seconds)
            self._tools.check_in(self._job, f"The {component} of {self._store.name} was not stopped")

    def await_finished(self, counts: Callable[[Object], bool]) -> None:
        """Wait until no container of a pod that `counts` accepts runs. Raises JobFailed, Superseded or HandedOver."""
        for snapshot in self._snapshots:
            if not any(map(runs, filter(counts, snapshot))):
                return
            self._tools.check_in(self._job, f"The backups of {self._store.name} did not end")

    def look(self, component: str) -> list[Object]:
        """Look once at the Jobs of a component, at their pods, and at the database that they need.

        Returns these pods. Raises JobFailed."""
        pods = [pod for pod in next(self._snapshots) if component_of(pod) in (component, DATABASE)]
        self._examine(f"The {component} of {self._store.name} did not end", pods, component)
        return pods

    def _workloads(self, component: str | None = None) -> list[Object]:
        found = self._tools.cluster.workloads(self._store.namespace)
        return [workload for workload in found if component in (None, component_of(workload))]

    def _examine(self, late: str, pods: list[Object], component: str = "") -> None:
        """Look for symptoms, in claims and events too; with a `component`, only in events about its Jobs and `pods`."""
        self._tools.check_in(self._job, late, str(self._likeliest.problem) if self._likeliest else "")
        if time.monotonic() - self._examined_at < EXAMINE_SECONDS:
            return
        self._examined_at = time.monotonic()
        cluster, namespace = self._tools.cluster, self._store.namespace
        claims = [] if component else cluster.volume_claims(namespace)
        warnings = cluster.warning_events(namespace)
        if component:
            about = {pod["metadata"]["name"] for pod in pods} | set(cluster.active_jobs(namespace, component))
            warnings = [warning for warning in warnings if warning["involvedObject"].get("name") in about]
        symptom, self._likeliest = self._watcher.look(pods, claims, warnings, self._tools.ledger.clock())
        if symptom:
            raise failure_of(self._tools, self._store, symptom, self._secret)


def failure_of(tools: Toolbox, store: Store, symptom: Symptom, secret: dict[str, str]) -> JobFailed:
    """The symptom as an error, with the end of the container's log."""
    of = (store.namespace, symptom.pod, symptom.container, LOG_LINES)
    log = redact(tools.cluster.log_tail(*of, restarted=symptom.restarted) if symptom.pod else "", secret)
    cause, shown = symptom.problem.cause or quote_error_in(log), log.splitlines()[-SHOWN_LOG_LINES:]
    return JobFailed.of(replace(symptom.problem, cause=cause, log_tail="\n".join(shown)))


def redact(text: str, secret: dict[str, str]) -> str:
    """`text` without the values of the store's Secret, the longest first so that no part of one stays."""
    for value in sorted(filter(None, secret.values()), key=len, reverse=True):
        text = text.replace(value, "•••")
    return text
