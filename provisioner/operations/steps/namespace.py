"""The step that prepares a store's namespace: our rights in it, its quota, its limits and its pull secret."""

from __future__ import annotations

import time
from collections.abc import Callable

from provisioner.clients.kubernetes.cluster import NotAllowedYet
from provisioner.domain.store import Store
from provisioner.operations.toolbox import Toolbox

BOUND_WITHIN_SECONDS = 5.0  # until a RoleBinding of ours takes effect
RETRY_SECONDS = 0.05


def ensure_limits(tools: Toolbox, store: Store, *, may_create: bool) -> None:
    """Apply today's RoleBinding, quota and pull secret to the store's namespace, and its LimitRange to a new one.

    An operator may have raised the quota by hand, or deleted it: it is never lowered, and created only if
    `may_create`."""
    defaults, cluster = tools.defaults, tools.cluster
    if defaults.service_account:
        cluster.bind_role(store.namespace, defaults.store_role, defaults.service_account)
    if may_create:
        _once_allowed(lambda: cluster.create_limits(store.namespace, defaults.quota, defaults.limit_range))
    _once_allowed(lambda: cluster.raise_quota(store.namespace, defaults.quota))
    if defaults.pull_secret:
        cluster.copy_pull_secret(store.namespace, defaults.pull_secret)


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
