"""Recovery: finds the stores that are kept and gone from the cluster, such as in a new cluster."""

from __future__ import annotations

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.store import StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.operations.namespace_metadata import belongs_to
from provisioner.operations.steps.kept_store import KeptStore, kept_stores


def lost_stores(ledger: Ledger, cluster: Cluster, server: str, instance: str) -> list[KeptStore]:
    """The stores that nobody deleted and whose namespaces do not exist. Raises Transient and JobFailed."""
    lost = []
    for kept in kept_stores(cluster, server):
        recorded = ledger.stores.get(kept.store.id)
        deleted = recorded.ending if recorded else kept.deleted
        namespace = cluster.namespace(kept.store.namespace)
        creating = recorded and recorded.status == StoreStatus.CREATING
        if not deleted and not creating and not (namespace and belongs_to(namespace, kept.store, instance)):
            lost.append(kept)
    return lost
