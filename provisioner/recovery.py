"""Recovery: finds the stores that are kept and gone from the cluster, such as in a new cluster."""

from __future__ import annotations

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.store import INSTANCE, STORE_ID, Store, StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.operations.steps.kept_store import KeptStore, kept_stores


def lost_stores(ledger: Ledger, cluster: Cluster, server: str, instance: str) -> list[KeptStore]:
    """The stores that nobody deleted and whose namespaces do not exist. Raises Transient and JobFailed."""
    present = {found["metadata"]["labels"].get(STORE_ID) for found in cluster.namespaces({INSTANCE: instance})}
    return [
        kept
        for kept in kept_stores(cluster, server)
        if kept.store.id not in present and not _is_ending_or_starting(kept, ledger.stores.get(kept.store.id))
    ]


def _is_ending_or_starting(kept: KeptStore, recorded: Store | None) -> bool:
    """Whether somebody deleted the store, or a job is creating it, by the ledger's record if there is one."""
    return recorded.ending or recorded.status == StoreStatus.CREATING if recorded else kept.deleted
