"""What a store uses of the quota of its namespace."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.clients.kubernetes.objects import Object, quantity
from provisioner.domain.store import Store

ANSWER_SECONDS = 1.0  # of the 3 in which Slack wants the whole answer


@dataclass(frozen=True)
class Share:
    """How much is used of what is allowed."""

    used: float
    allowed: float


@dataclass(frozen=True)
class StoreUsage:
    """What a store's pods and volumes request, in bytes, and how many pods there are; None where it has no limit."""

    memory: Share | None = None
    storage: Share | None = None
    pods: Share | None = None


def read_usage(cluster: Cluster, store: Store) -> StoreUsage | None:
    """None if the store has no quota, or the cluster does not answer soon."""
    quota = cluster.quota(store.namespace, ANSWER_SECONDS)
    usage = usage_in(quota) if quota else None
    return usage if usage != StoreUsage() else None


def usage_in(quota: Object) -> StoreUsage:
    """What the status of a ResourceQuota says. Kubernetes has more than one name for some resources."""
    return StoreUsage(
        memory=_share(quota, "requests.memory", "memory"),
        storage=_share(quota, "requests.storage"),
        pods=_share(quota, "pods", "count/pods"),
    )


def _share(quota: Object, *names: str) -> Share | None:
    status = quota.get("status", {})
    used, hard = status.get("used", {}), status.get("hard", {})
    for name in names:
        if name in used and name in hard:
            return Share(float(quantity(used[name])), float(quantity(hard[name])))
    return None
