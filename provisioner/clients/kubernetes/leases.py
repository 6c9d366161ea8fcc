"""Leases, by which one bot at a time works."""

from __future__ import annotations

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import Object

TIMEOUT_SECONDS = (2, 4)  # to connect, to answer: a late answer is of no use to a lease that is being renewed


class Leases(Api):
    """Leases of coordination.k8s.io."""

    def lease(self, namespace: str, name: str) -> Object | None:
        return self._find(self._coordination.read_namespaced_lease, name, namespace, _request_timeout=TIMEOUT_SECONDS)

    def leases(self, name: str) -> list[Object]:
        """Leases of that name in all namespaces.

        Raises Forbidden where the bot may not list them.
        """
        lister, where = self._coordination.list_lease_for_all_namespaces, f"metadata.name={name}"
        return self._list(lister, field_selector=where, _request_timeout=TIMEOUT_SECONDS)

    def create_lease(self, namespace: str, name: str, spec: Object) -> bool:
        """False where a Lease of that name exists."""
        body = {"metadata": {"name": name}, "spec": spec}
        return self._create(
            self._coordination.create_namespaced_lease, namespace, body, _request_timeout=TIMEOUT_SECONDS
        )

    def replace_lease(self, lease: Object) -> None:
        """Write a Lease. Raises Conflict where its resourceVersion is not the newest."""
        where = lease["metadata"]["name"], lease["metadata"]["namespace"]
        self._call(self._coordination.replace_namespaced_lease, *where, lease, _request_timeout=TIMEOUT_SECONDS)
