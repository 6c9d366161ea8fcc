"""The step that makes sure that a new store's address is nobody else's."""

from __future__ import annotations

from provisioner.domain.errors import JobFailed
from provisioner.domain.store import Store
from provisioner.operations.toolbox import Toolbox


def require_free_address(tools: Toolbox, store: Store) -> None:
    """Raises JobFailed if an Ingress or HTTPRoute outside the store's namespace answers the store's host.

    Scripts of the shop could read what that site shows to its visitors, because both would have the same origin."""
    others = (route for route in tools.cluster.routes() if route.namespace != store.namespace)
    if taken := next((route for route in others if route.answers(store.host)), None):
        what = f"The address {store.host} is not free: it belongs to {taken}."
        next_step = "Delete this store and create one with another name, or remove that host, then retry."
        raise JobFailed(what, "", next_step)
