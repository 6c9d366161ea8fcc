"""What is kept of a store outside of its namespace: its record and its Secret, next to the keys of the backups.

With that and its newest backup, a store that was deleted, or whose cluster is gone, can be brought back."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.backup import Backup, Reason
from provisioner.domain.errors import RESTORE_FROM_BACKUP, JobFailed
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.steps.backup_job import make_backup, password_key, secret_of, server_of
from provisioner.operations.steps.claims import Sizes, sizes_of
from provisioner.operations.toolbox import Toolbox

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptStore:
    """A store as its newest backup found it; `served` says whether its shop answered, `deleted` whether it was made
    before a deletion, `sizes` how large its volumes were."""

    store: Store
    served: bool
    deleted: bool
    sizes: Sizes = field(default_factory=dict)


KEPT_STORES = TypeAdapter(KeptStore)


def make_kept_backup(
    tools: Toolbox, job: Job, store: Store, secret: dict[str, str], reason: Reason, *, served: bool | None = None
) -> Backup:
    """Make a backup as `make_backup` does, and keep what it needs to be restored without the namespace."""
    made = make_backup(tools, job, store, secret, reason, served=served)
    deleted, sizes = reason == Reason.BEFORE_DELETION, sizes_of(tools, store)
    keep_store(tools, KeptStore(store, made.served, deleted=deleted, sizes=sizes), secret)
    return made


def keep_store(tools: Toolbox, kept: KeptStore, secret: Mapping[str, str]) -> None:
    """Keep a store's record and its Secret. Raises Transient and JobFailed."""
    record, credentials = KEPT_STORES.dump_json(kept).decode(), json.dumps(dict(secret))
    values = {_record_key(kept.store.id): record, _secret_key(kept.store.id): credentials}
    tools.cluster.add_to_secret(*secret_of(server_of(tools)), values)


def kept_stores(cluster: Cluster, server: str) -> Iterator[KeptStore]:
    """All stores that are kept. Raises JobFailed where the Secret with the keys is missing, and Transient."""
    for key, text in sorted(cluster.read_secret(*secret_of(server)).items()):
        if key.startswith(_record_key("")):
            try:
                yield KEPT_STORES.validate_json(text)
            except ValidationError as error:
                log.warning("%s is not readable: %s", key, error.errors(include_input=False, include_url=False))


def kept_secret(tools: Toolbox, store: Store) -> dict[str, str]:
    """The store's Secret. Raises JobFailed where it was not kept, and Transient."""
    text = tools.cluster.read_secret(*secret_of(server_of(tools))).get(_secret_key(store.id))
    if text is None:
        what = f"The credentials of {store.name} were not kept."
        cause = "Somebody removed them from the Secret with the keys of the backups."
        raise JobFailed(what, cause, RESTORE_FROM_BACKUP)
    return dict(json.loads(text))


def kept_sizes(tools: Toolbox, store: Store) -> Sizes:
    """The sizes that the store's volumes had; empty where they were not kept. Raises Transient and JobFailed."""
    text = tools.cluster.read_secret(*secret_of(server_of(tools))).get(_record_key(store.id))
    return KEPT_STORES.validate_json(text).sizes if text else {}


def forget_store(cluster: Cluster, server: str, store: Store) -> None:
    """Keep nothing of the store, and mark its backups for their removal. Raises Transient and JobFailed."""
    where = secret_of(server)
    cluster.add_to_secret(*where, {_purge_key(store.id): store.name})
    cluster.remove_from_secret(*where, [_record_key(store.id), _secret_key(store.id), password_key(store)])


def forget_purge(cluster: Cluster, server: str, store_id: str) -> None:
    """The store's backups are removed: forget the mark. Raises Transient and JobFailed."""
    cluster.remove_from_secret(*secret_of(server), [_purge_key(store_id)])


def _record_key(store_id: str) -> str:
    return f"store.{store_id}"


def _secret_key(store_id: str) -> str:
    return f"credentials.{store_id}"


def _purge_key(store_id: str) -> str:
    return f"purge.{store_id}"
