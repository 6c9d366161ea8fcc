"""Visits of a running store, as its engine's own log has them. What the log does not have any more is not known."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.clients.kubernetes.cluster import Cluster, Object
from provisioner.clients.kubernetes.objects import COMPONENT, OVER, is_terminating, ready_since
from provisioner.domain.idleness import VISITS, VisitLog
from provisioner.domain.store import Store

LINES = 3000  # of the end of each log; what was before is not known


@dataclass(frozen=True)
class SeenVisits:
    """The `last` visit (epoch seconds, None for none), and since when all are known.

    They were read from these `pods` (uids): the log of another one is gone with it."""

    last: float | None
    known_since: float
    pods: frozenset[str]


def read_visits(cluster: Cluster, store: Store, now: float) -> SeenVisits:
    """What the logs of the store's application pods say of its visits. Raises Transient and JobFailed."""
    all_pods = cluster.pods(store.namespace, {COMPONENT: "application"})
    pods = [pod for pod in all_pods if pod["status"].get("phase") not in OVER]  # one that was evicted stays in the list
    seen = [_seen_by(cluster, pod, now) for pod in pods]
    last = max((at for at, _ in seen if at), default=None)
    known_since = max((since for _, since in seen), default=now)
    return SeenVisits(last, min(known_since, now), frozenset(pod["metadata"]["uid"] for pod in pods))


def _seen_by(cluster: Cluster, pod: Object, now: float) -> tuple[float | None, float]:
    """The last visit that the pod's log has, and since when it has all.

    A pod that is new, or a log that was rotated, knows nothing of what was before. One that ends takes its last visits
    with it, one of a former version may count none, and while it is not ready, shoppers can't visit it."""
    meta, ready = pod["metadata"], ready_since(pod)
    visits = _visit_log(pod)
    if not visits or not ready or is_terminating(pod):
        return None, now
    log = cluster.stamped_log(meta["namespace"], meta["name"], visits.container, LINES)
    last = max((at for at, line in log if visits.has_visit(line)), default=None)
    return last, max(log[0][0] if log else now, ready)


def _visit_log(pod: Object) -> VisitLog | None:
    """Where the pod says that its visits are counted, as the chart did that made it."""
    text = (pod["metadata"].get("annotations") or {}).get(VISITS, "")
    try:
        return VisitLog.read(text) if text else None
    except ValueError:  # somebody edited it
        return None
