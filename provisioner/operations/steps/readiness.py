"""From an installed release to a store that serves: its pods watched until they are Ready, then asked as a shopper."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from provisioner.clients.kubernetes.cluster import Object, Snapshots
from provisioner.clients.kubernetes.objects import component_of, ready_pods, rolled_out, terminating_pods
from provisioner.clients.storefront_check import CertificateNotTrusted, CheckFailed, StorefrontClient
from provisioner.diagnosis import PodWatcher, Symptom, last_words
from provisioner.domain.catalog import StoreType
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.toolbox import Toolbox

LOOK_AGAIN = 0.5  # seconds between looks where no watch brings news
ANSWER_WITHIN = 60.0  # seconds for a store whose pods are ready to answer through the ingress
CERTIFICATE_PAUSE = 1.0  # seconds between looks at a certificate that is not there yet
LOOK = "With cert-manager, kubectl describe certificate,challenge -n {}; an own authority goes into SSL_CERT_FILE"


def await_store(tools: Toolbox, job: Job, store: Store, kind: StoreType, secret: dict[str, str], since: float) -> None:
    """Stage by stage until a cart holds a product; `since` as in PodWatcher.

    Raises JobFailed, Transient, Superseded, HandedOver."""
    with watching(tools, job, store, secret, since) as monitor:
        for component in monitor.components():
            with tools.stage(job, component):
                monitor.await_ready(component)
    with StorefrontClient(store.url, tools.ingress_address, {"secret": secret}) as client:
        with tools.stage(job, "storefront"):
            await_answer(tools, job, store, 0.1, lambda: client.step(kind.check[0]))
        with tools.stage(job, "check"):
            await_answer(tools, job, store, 1.0, lambda: client.run(kind.check))  # each run may leave a cart


@contextmanager
def watching(tools: Toolbox, job: Job, store: Store, secret: dict[str, str], since: float) -> Iterator[RolloutMonitor]:
    """A RolloutMonitor over the store's pods, as long as the `with` lasts."""
    with tools.cluster.watch_pods(store.namespace) as snapshots:
        yield RolloutMonitor(tools, job, store, secret, since, snapshots)


class RolloutMonitor:
    """Looks at a store's pods whenever they change, until they are as they should be or its PodWatcher gives up."""

    def __init__(
        self, tools: Toolbox, job: Job, store: Store, secret: dict[str, str], since: float, snapshots: Snapshots
    ) -> None:
        self._tools, self._job, self._store, self._secret = tools, job, store, secret
        self._snapshots = snapshots.every(LOOK_AGAIN)
        self._watcher = PodWatcher(store.name, tools.patience, since)
        self._looked_at = 0.0
        self._likeliest: Symptom | None = None

    def components(self) -> list[str]:
        """What the release consists of, the database first; a chart without one has no such component."""
        found = {component_of(workload) for workload in self._workloads()}
        return sorted(found, key=lambda name: (name != "database", name))

    def await_ready(self, component: str) -> None:
        """Until all pods of the component are Ready and none of a former kind answers any more.

        Raises JobFailed with what keeps them."""
        wanted = sum(workload["spec"].get("replicas", 1) for workload in self._workloads(component))
        for pods in self._snapshots:
            ready = ready_pods(pods, component) >= wanted and all(map(rolled_out, self._workloads(component)))
            if ready and not terminating_pods(pods, component, self._tools.ledger.clock()):
                return
            self._examine(f"The {component} of {self._store.name} was not ready", pods)

    def look(self, component: str) -> None:
        """One look at the Jobs of a component and their pods, while they are waited for. Raises JobFailed."""
        pods = [pod for pod in next(self._snapshots) if component_of(pod) == component]
        names = {pod["metadata"]["name"] for pod in pods}
        names.update(self._tools.cluster.active_jobs(self._store.namespace, component))
        self._examine(f"The {component} of {self._store.name} did not end", pods, about=names)

    def _workloads(self, component: str | None = None) -> list[Object]:
        found = self._tools.cluster.workloads(self._store.namespace)
        return [workload for workload in found if component in (None, component_of(workload))]

    def _examine(self, late: str, pods: list[Object], about: set[str] | None = None) -> None:
        """What else is told counts where it is `about` one of these names; None for all there is."""
        self._tools.check_in(self._job, late, str(self._likeliest.problem) if self._likeliest else "")
        if time.monotonic() - self._looked_at < LOOK_AGAIN:
            return  # a burst of pod changes needs no look at claims and events for each
        self._looked_at = time.monotonic()
        cluster, namespace = self._tools.cluster, self._store.namespace
        claims = cluster.volume_claims(namespace) if about is None else []
        warnings = [
            w for w in cluster.warning_events(namespace) if about is None or w["involvedObject"].get("name") in about
        ]
        symptom, self._likeliest = self._watcher.look(pods, claims, warnings, self._tools.ledger.clock())
        if symptom:
            raise failure(self._tools, self._store, symptom, self._secret)


def failure(tools: Toolbox, store: Store, symptom: Symptom, secret: dict[str, str]) -> JobFailed:
    """The symptom as an error, with the end of the container's log where that may tell more."""
    log = tools.cluster.log_tail(store.namespace, symptom.pod, symptom.container) if symptom.pod else ""
    log = redact(log, secret)
    return JobFailed.of(replace(symptom.problem, cause=symptom.problem.cause or last_words(log), log_tail=log))


def redact(text: str, secret: dict[str, str]) -> str:
    """`text` without the store's secret values, longest first so that no part of one stays."""
    for value in sorted(filter(None, secret.values()), key=len, reverse=True):
        text = text.replace(value, "•••")
    return text


def await_answer(tools: Toolbox, job: Job, store: Store, pause: float, ask: Callable[[], None]) -> None:
    """Ask every `pause` seconds until the store answers as it should: an ingress takes a moment to hear of it, and a
    certificate minutes to be made.

    Raises JobFailed, Superseded, HandedOver."""
    until = tools.ledger.clock() + ANSWER_WITHIN
    while True:
        try:
            return ask()
        except CertificateNotTrusted as failure:
            late, look = f"{store.name} had no certificate that is trusted here", LOOK.format(store.namespace)
            tools.check_in(job, late, str(failure), look)
            until, pause = tools.ledger.clock() + ANSWER_WITHIN, max(pause, CERTIFICATE_PAUSE)
        except CheckFailed as failure:
            tools.check_in(job, f"{store.name} did not answer", str(failure))
            if tools.ledger.clock() > until:
                what = f"{store.name} runs, but its shop does not answer as it should."
                next_step = f"Open {store.url} and check the ingress controller and DNS, then retry."
                raise JobFailed(what, str(failure), next_step) from None
        time.sleep(pause)
