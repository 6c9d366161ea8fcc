"""What a store's release stands on: a namespace with limits, a Secret made once, and the values Helm is given."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from provisioner.clients.helm import ReleaseSpec
from provisioner.clients.kubernetes.cluster import NotAllowedYet
from provisioner.domain.catalog import StoreType
from provisioner.domain.options import place
from provisioner.domain.store import SECRET_NAME, Addresses, Store, release_name
from provisioner.operations.toolbox import Toolbox

# Room for two replicas and all that may run beside them: a rolling upgrade, a migration, a test and a cron job.
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
BOUND_WITHIN = 5.0  # seconds for a RoleBinding of ours to be seen


def ensure_limits(tools: Toolbox, store: Store) -> None:
    """Our rights in the store's namespace, its quota, limit range and way to its images, as they should be today."""
    if tools.service_account:
        tools.cluster.bind_role(store.namespace, tools.store_role, tools.service_account)
    _once_allowed(lambda: tools.cluster.ensure_limits(store.namespace, QUOTA, LIMIT_RANGE))
    if tools.pull_secret:
        tools.cluster.copy_pull_secret(store.namespace, tools.pull_secret)


def _once_allowed(act: Callable[[], None]) -> None:
    """The first call in a namespace that was bound to us a moment ago: a few times, until that is seen."""
    until = time.monotonic() + BOUND_WITHIN
    while True:
        try:
            return act()
        except NotAllowedYet:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def ensure_secret(tools: Toolbox, store: Store, kind: StoreType, *, may_make: bool) -> dict[str, str]:
    """The store's Secret, with the keys its chart wants today; what is in it once is never changed.

    It is made where `may_make`: passwords made anew would not open a database that has the old ones. Raises JobFailed
    where it is missing."""
    wanted = {key: _generate(template, store, tools) for key, template in kind.secret.items()}
    if may_make and tools.cluster.create_secret(store.namespace, SECRET_NAME, wanted):
        return wanted
    there = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    if missing := {key: value for key, value in wanted.items() if key not in there}:
        tools.cluster.add_to_secret(store.namespace, SECRET_NAME, missing)
    return {**wanted, **there}


def _generate(template: str, store: Store, tools: Toolbox) -> str:
    alphabet = string.ascii_letters + string.digits
    return template.format(
        password="".join(secrets.choice(alphabet) for _ in range(24)),
        hex=secrets.token_hex(32),
        host=tools.addresses.host(store.name),
        name=store.name,
    )


def wanted_release(tools: Toolbox, store: Store, kind: StoreType) -> ReleaseSpec:
    """The release as the chart and the operator want it now."""
    values = values_of(tools.addresses, tools.overlay, store, kind)
    return ReleaseSpec(release_name(store.name), store.namespace, kind.chart, tools.profile, values)


def values_of(addresses: Addresses, overlay: dict[str, Any], store: Store, kind: StoreType) -> dict[str, Any]:
    """What every store chart is given, over the operator's `overlay`; of secrets only the Secret's name."""
    told = {
        "name": store.name,
        "displayName": store.name,
        "host": addresses.host(store.name),
        "url": store.url,
    }
    values: dict[str, Any] = deepcopy(overlay.get(store.type, {}))
    values["store"] = {**(values.get("store") or {}), **told}
    values["secretName"] = SECRET_NAME
    place(kind.options, store.options, values)
    return values
