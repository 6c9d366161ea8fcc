"""Visits of a running store, as its engine's own log has them. What the log does not have any more is not known."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.clients.kubernetes.objects import COMPONENT, is_terminating, ready_since
from provisioner.domain.idleness import VisitLog
from provisioner.domain.store import Store

LINES = 3000  # of the end of each log; what was before is not known


@dataclass(frozen=True)
class SeenVisits:
    """The `last` visit (epoch seconds, None for none), and since when all are known.

    They were read from these `pods` (uids): the log of another one is gone with it."""

    last: float | None
    known_since: float
    pods: frozenset[str]


def read_visits(cluster: Cluster, store: Store, visits: VisitLog, now: float) -> SeenVisits:
    """What the logs of the store's application pods say of its visits.

    A pod that is new, or a log that was rotated, knows nothing of what was before. While a pod is not ready, nothing
    is known: shoppers can't visit it. Raises Transient and JobFailed."""
    pods = cluster.pods(store.namespace, {COMPONENT: "application"})
    last: float | None = None
    known_since = 0.0 if pods else now
    for pod in pods:
        if is_terminating(pod):  # its last visits go with it
            known_since = now
            continue
        log = cluster.stamped_log(store.namespace, pod["metadata"]["name"], visits.container, LINES)
        seen = [at for at, line in log if visits.has_visit(line)]
        last = max(filter(None, (last, *seen)), default=None)
        known_since = max(known_since, log[0][0] if log else now, ready_since(pod) or now)
    return SeenVisits(last, min(known_since, now), frozenset(pod["metadata"]["uid"] for pod in pods))
