"""The step that prepares a store's namespace: our rights in it, its quota, its limits and its pull secret."""

from __future__ import annotations

import time
from collections.abc import Callable

from provisioner.clients.kubernetes.cluster import NotAllowedYet
from provisioner.domain.store import Store
from provisioner.operations.toolbox import Toolbox

# Room for two replicas and for all that may run next to them: a rolling upgrade, a migration, a test, a cron job.
QUOTA = {
    "pods": "12",
    "requests.memory": "4Gi",
    "limits.memory": "10Gi",
    "persistentvolumeclaims": "6",
    "requests.storage": "50Gi",
    "services.loadbalancers": "0",
    "services.nodeports": "0",
}
LIMIT_RANGE = {"type": "Container", "default": {"memory": "256Mi"}, "defaultRequest": {"memory": "64Mi"}}
BOUND_WITHIN_SECONDS = 5.0  # until a RoleBinding of ours takes effect
RETRY_SECONDS = 0.05


def ensure_limits(tools: Toolbox, store: Store) -> None:
    """Apply today's RoleBinding, ResourceQuota, LimitRange and pull secret to the store's namespace."""
    defaults = tools.defaults
    if defaults.service_account:
        tools.cluster.bind_role(store.namespace, defaults.store_role, defaults.service_account)
    _once_allowed(lambda: tools.cluster.ensure_limits(store.namespace, QUOTA, LIMIT_RANGE))
    if defaults.pull_secret:
        tools.cluster.copy_pull_secret(store.namespace, defaults.pull_secret)


def _once_allowed(act: Callable[[], None]) -> None:
    """Call `act` until our new RoleBinding takes effect."""
    deadline = time.monotonic() + BOUND_WITHIN_SECONDS
    while True:
        try:
            return act()
        except NotAllowedYet:
            if time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)
