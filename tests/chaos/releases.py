"""Helm's records of releases in the cluster."""

from __future__ import annotations

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.resources import SECRETS

PENDING = "owner=helm,status in (pending-install,pending-upgrade,pending-rollback)"  # helm's labels of its Secrets


class Releases(Api):
    """The releases of one cluster."""

    def pending(self, namespace: str) -> bool:
        """Whether helm has begun a revision there and not completed it."""
        return bool(self._list(SECRETS, namespace, query={"labelSelector": PENDING}))
