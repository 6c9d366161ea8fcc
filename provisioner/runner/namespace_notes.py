"""NamespaceNotes: keeps what may change of a store, such as its owner, at its namespace too, for an empty ledger."""

from __future__ import annotations

import logging

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import StorewrightError
from provisioner.domain.store import STORE_ID
from provisioner.ledger.ledger import Ledger
from provisioner.operations.namespace_metadata import Notes, annotation, changing_notes, namespaces_of

log = logging.getLogger(__name__)


class NamespaceNotes:
    """Reads and writes nothing while nothing changes."""

    def __init__(self, ledger: Ledger, cluster: Cluster, instance: str) -> None:
        self._ledger, self._cluster, self._instance = ledger, cluster, instance
        self._written: dict[str, Notes] = {}  # by store id

    def write(self) -> None:
        """Write what changed. Raises Transient and JobFailed."""
        wanted = {store.id: changing_notes(store) for store in self._ledger.stores.all()}
        if wanted == self._written:
            return
        for meta in namespaces_of(self._cluster, self._instance):
            notes = wanted.get(meta["labels"].get(STORE_ID, ""), {})
            if changed := {key: note for key, note in notes.items() if annotation({"metadata": meta}, key) != note}:
                self._annotate(meta["name"], changed)
        self._written = wanted

    def _annotate(self, namespace: str, changed: Notes) -> None:
        try:
            self._cluster.annotate_namespace(namespace, changed)
        except StorewrightError as error:
            log.warning("namespace %s not annotated: %s", namespace, error)
