"""The copy of a deleted store's Secret, which an undelete needs: in the Secret with the keys of the backups."""

from __future__ import annotations

import json

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import RESTORE_FROM_BACKUP, JobFailed
from provisioner.domain.store import Store
from provisioner.operations.steps.backup_job import password_key, secret_of


def keep_secret(cluster: Cluster, server: str, store: Store, secret: dict[str, str]) -> None:
    """Copy the store's Secret. Raises Transient and JobFailed."""
    cluster.add_to_secret(*secret_of(server), {_copy_key(store): json.dumps(secret)})


def kept_secret(cluster: Cluster, server: str, store: Store) -> dict[str, str]:
    """The copy. Raises JobFailed where it is missing, and Transient."""
    text = cluster.read_secret(*secret_of(server)).get(_copy_key(store))
    if text is None:
        what = f"The credentials of {store.name} were not kept."
        raise JobFailed(
            what, "Somebody removed them from the Secret with the keys of the backups.", RESTORE_FROM_BACKUP
        )
    return dict(json.loads(text))


def forget_store(cluster: Cluster, server: str, store: Store) -> None:
    """Remove the copy, and mark the store's backups for their removal. Raises Transient and JobFailed."""
    where = secret_of(server)
    cluster.add_to_secret(*where, {_purge_key(store.id): store.name})
    cluster.remove_from_secret(*where, [_copy_key(store), password_key(store)])


def forget_purge(cluster: Cluster, server: str, store_id: str) -> None:
    """The store's backups are removed: forget the mark. Raises Transient and JobFailed."""
    cluster.remove_from_secret(*secret_of(server), [_purge_key(store_id)])


def _purge_key(store_id: str) -> str:
    return f"purge.{store_id}"


def _copy_key(store: Store) -> str:
    return f"credentials.{store.id}"
