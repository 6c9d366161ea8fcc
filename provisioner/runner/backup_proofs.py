"""BackupProofs: has a backup of each store proven from time to time, by a quiet job in the night."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.backup import Backup
from provisioner.domain.store import Store
from provisioner.ledger.ledger import Ledger
from provisioner.operations.namespace_metadata import copies_in_cluster
from provisioner.operations.prove import PROVE, arguments_of
from provisioner.orders import Orders
from provisioner.runner.nights import SPREAD, key_of, order_quietly, take_turns

WHAT = "proof"
log = logging.getLogger(__name__)


class BackupProofs:
    """A store's turn for a proof comes with its turn for a daily backup. One that the bot missed is left out."""

    def __init__(self, orders: Orders, hour: int, days: float) -> None:
        """`hour` (UTC) is when the first turns come, `days` the time after which a store's last proof is too old."""
        self._orders, self._hour, self._days = orders, hour, days

    def order_due(self) -> None:
        """Order the proofs of stores whose last one is too old, as long as few quiet jobs are at work."""
        take_turns(self._orders, self._hour, self._order)

    def _order(self, store: Store, turn: datetime, now: datetime) -> bool:
        """Whether the proof is ordered."""
        if now - turn >= SPREAD or self._orders.ledger.jobs.delivered(key_of(WHAT, store, turn)):
            return False
        if not (backup := self._due(store, now)):
            return False
        return order_quietly(self._orders, WHAT, PROVE, store, turn, arguments_of(backup), store.reader)

    def _due(self, store: Store, now: datetime) -> Backup | None:
        """The store's newest backup, if it is time to prove it."""
        store_type = self._orders.catalog.types.get(store.type)
        if not (store_type and store_type.proof is not None):
            return None
        backups = self._orders.ledger.store_backups.of_store(store.id)
        proven_at = max((backup.proven_at or 0.0 for backup in backups), default=0.0)
        old = now.timestamp() - proven_at > timedelta(days=self._days).total_seconds()
        return backups[0] if backups and old else None


def remove_copies(ledger: Ledger, cluster: Cluster, instance: str) -> None:
    """Remove the copies of stores in the ledger whose jobs ended before they could. Raises Transient and JobFailed."""
    for namespace, store_id in copies_in_cluster(cluster, instance).items():
        live = ledger.jobs.live(store_id)
        if ledger.stores.get(store_id) and not (live and live.kind == PROVE.kind):
            cluster.delete_namespace(namespace)
            log.info("copy removed", extra={"namespace": namespace})
