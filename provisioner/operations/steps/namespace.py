"""The steps that create a store's namespace and prepare it: our rights in it, its quota, limits and pull secret."""

from __future__ import annotations

import time
from collections.abc import Callable

from provisioner.clients.kubernetes.cluster import NotAllowedYet
from provisioner.clients.kubernetes.objects import is_terminating
from provisioner.domain.errors import JobFailed, Transient
from provisioner.domain.store import Store
from provisioner.operations.namespace_metadata import annotations_of, belongs_to, labels_of
from provisioner.operations.steps.address import require_free_address
from provisioner.operations.toolbox import Toolbox

BOUND_WITHIN_SECONDS = 5.0  # until a RoleBinding of ours takes effect
RETRY_SECONDS = 0.05


def ensure_namespace(tools: Toolbox, store: Store, labels: dict[str, str] | None = None) -> None:
    """Create the store's namespace, with further `labels`, unless it exists.

    Raises JobFailed if it, or the store's address, is somebody else's, and Transient."""
    require_free_address(tools, store)
    instance = tools.defaults.instance
    namespace = tools.cluster.namespace(store.namespace)
    if namespace and is_terminating(namespace):
        raise Transient(f"The namespace {store.namespace} is still being deleted.")
    if namespace and not belongs_to(namespace, store, instance):
        what = f"The namespace {store.namespace} exists already and is not this store's."
        raise JobFailed(what, "Somebody else created it.", "Choose another name, or delete that namespace and retry.")
    if not namespace and not tools.cluster.create_namespace(
        store.namespace, labels_of(store, instance) | (labels or {}), annotations_of(store)
    ):
        raise Transient(f"Somebody else created the namespace {store.namespace} at the same moment.")
    ensure_limits(tools, store, may_create=True)


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
