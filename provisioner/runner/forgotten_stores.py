"""ForgottenStores: forgets deleted stores that can't be undeleted any more."""

from __future__ import annotations

import logging

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.ledger.ledger import Ledger
from provisioner.operations.steps.kept_store import forget_store

log = logging.getLogger(__name__)


class ForgottenStores:
    """Removes the copies of their Secrets, and marks their backups for the daily removal of old ones."""

    def __init__(self, ledger: Ledger, cluster: Cluster, server: str) -> None:
        """`server` is the URL of the backup server."""
        self._ledger, self._cluster, self._server = ledger, cluster, server

    def forget(self) -> None:
        """Forget those whose time is over. Raises Transient and JobFailed."""
        for store in self._ledger.stores.to_forget():
            forget_store(self._cluster, self._server, store)
            self._ledger.note_forgotten(store.id)
            log.info("deleted store forgotten", extra={"store": store.name})
