"""Leases, by which one bot at a time works."""

from __future__ import annotations

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import Object
from provisioner.clients.kubernetes.resources import LEASES

TIMEOUT_SECONDS = (2, 4)  # to connect, to answer: a late answer is of no use to a lease that is being renewed


class Leases(Api):
    """Leases of coordination.k8s.io."""

    def lease(self, namespace: str, name: str) -> Object | None:
        return self._get(LEASES, name, namespace, timeout=TIMEOUT_SECONDS)

    def leases(self, name: str) -> list[Object]:
        """Leases of that name in all namespaces.

        Raises Forbidden where the bot may not list them.
        """
        return self._list(LEASES, query={"fieldSelector": f"metadata.name={name}"}, timeout=TIMEOUT_SECONDS)

    def create_lease(self, namespace: str, name: str, spec: Object) -> bool:
        """False where a Lease of that name exists."""
        body = {"metadata": {"name": name}, "spec": spec}
        return self._create(LEASES, body, namespace, timeout=TIMEOUT_SECONDS) is not None

    def replace_lease(self, lease: Object) -> None:
        """Write a Lease. Raises Conflict where its resourceVersion is not the newest."""
        path = LEASES.path(lease["metadata"]["namespace"], lease["metadata"]["name"])
        self._call("PUT", path, lease, timeout=TIMEOUT_SECONDS)
