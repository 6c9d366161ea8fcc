"""SleepingStores: leads the visits of sleeping stores to this process."""

from __future__ import annotations

import logging

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import StorewrightError
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.ledger import Ledger

log = logging.getLogger(__name__)


class SleepingStores:
    """A new process has a new address, and may learn of stores from the cluster after its start."""

    def __init__(self, ledger: Ledger, cluster: Cluster, waker_address: str) -> None:
        self._ledger, self._cluster, self._waker_address = ledger, cluster, waker_address
        self._led: set[str] = set()  # ids of the stores whose visits come here

    def lead_visits_here(self) -> None:
        """Lead the visits of each store once while it sleeps. One that fails is tried again by the next call."""
        asleep = [store for store in self._ledger.stores.all() if store.status == StoreStatus.ASLEEP]
        self._led &= {store.id for store in asleep}
        for store in asleep:
            if store.id not in self._led and not self._ledger.jobs.live(store.id):  # a wake may be opening the shop
                self._lead(store)

    def _lead(self, store: Store) -> None:
        try:
            self._cluster.lead_service(store.namespace, store.release, self._waker_address)
            self._led.add(store.id)
        except StorewrightError as error:
            log.warning("visits of %s not led to the waker: %s", store.name, error)
