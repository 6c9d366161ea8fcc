"""SleepingStores: leads the visits of sleeping stores to this process, whose address is a new one."""

from __future__ import annotations

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.store import StoreStatus
from provisioner.ledger.ledger import Ledger


class SleepingStores:
    """The stores that were asleep when this process started. Later ones are led to it by their pauses."""

    def __init__(self, ledger: Ledger, cluster: Cluster, waker_address: str) -> None:
        self._cluster, self._waker_address = cluster, waker_address
        self._left = [store for store in ledger.stores.all() if store.status == StoreStatus.ASLEEP]

    def lead_visits_here(self) -> None:
        """Raises Transient and JobFailed; another call goes on with the others."""
        while self._left:
            store = self._left[-1]
            self._cluster.lead_service(store.namespace, store.release, self._waker_address)
            self._left.pop()
