"""The labels and annotations of a store's namespace. They are enough to rebuild the ledger from the cluster."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from provisioner.clients.kubernetes.cluster import Cluster, Object
from provisioner.domain.store import INSTANCE, PREFIX, STORE, STORE_ID, TYPE, Store, StoreStatus

log = logging.getLogger(__name__)

Notes = dict[str, str | None]  # annotations; None for one to remove

MANAGED_BY = {"app.kubernetes.io/managed-by": "storewright"}
READY_AT, VERSION = PREFIX + "ready-at", PREFIX + "version"
UPGRADE_FROM = PREFIX + "upgrade-from"  # while a job changes the release: the revision to roll back to
CHECK_BEFORE = PREFIX + "check-before"  # while a job changes the store: how far the storefront check got before it
BACKUP_BEFORE = PREFIX + "backup-before"  # while a job may change the data: the backup before it
ASLEEP = PREFIX + "asleep"  # while nothing runs: how far the check got before, and the backup of what sleeps
IMPORTED = PREFIX + "imported"  # the backup that was made of the archive which the store was imported from
OWNER, EXPIRES = PREFIX + "owner", PREFIX + "expires"  # the second: its end, and the seconds it was to live
IDLE_AFTER = PREFIX + "idle-after"  # seconds without a shopper until it sleeps; 0 for never
OPTIONS = PREFIX + "options"
COPY_OF = PREFIX + "copy-of"  # a label with a store's id: the namespace has the copy in which its backup is proven


def labels_of(store: Store, instance: str) -> dict[str, str]:
    """The labels of the namespace of `store`."""
    return {
        **MANAGED_BY,
        INSTANCE: instance,
        STORE: store.name,
        STORE_ID: store.id,
        TYPE: store.type,
        "pod-security.kubernetes.io/enforce": "restricted",
    }


def changing_notes(store: Store) -> Notes:
    """The annotations that may change without a job; None for one that the store lacks."""
    return {
        OWNER: store.owner,
        EXPIRES: f"{store.expires_at} {store.life}" if store.expires_at else None,
        IDLE_AFTER: None if store.idle_after is None else str(store.idle_after),
    }


def annotations_of(store: Store) -> dict[str, str]:
    """The annotations of the namespace of `store`."""
    return {
        **{key: note for key, note in changing_notes(store).items() if note},
        PREFIX + "origin": store.origin,
        PREFIX + "url": store.url,
        PREFIX + "admin-url": store.admin_url,
        PREFIX + "release": store.release,
        PREFIX + "created-at": str(store.created_at),
        OPTIONS: options_note(store.options),
    }


def options_note(options: Mapping[str, str]) -> str:
    """The annotation with a store's options."""
    return json.dumps(options)


def note_ready(cluster: Cluster, store: Store, version: str, now: float) -> None:
    """Annotate the store's namespace: its shop answers, with that version of its chart.

    Raises Transient and JobFailed."""
    notes = {READY_AT: str(store.ready_at or now), VERSION: version}
    cluster.annotate_namespace(store.namespace, notes)


def annotation(namespace: Object, key: str) -> str | None:
    """The value of an annotation, None if it is not set."""
    value: str | None = (namespace["metadata"].get("annotations") or {}).get(key)
    return value


def note_of(cluster: Cluster, store: Store, key: str) -> str:
    """The value of an annotation of the store's namespace; '' without it or the namespace. Raises Transient."""
    namespace = cluster.namespace(store.namespace)
    return (annotation(namespace, key) if namespace else None) or ""


def belongs_to(namespace: Object, store: Store, instance: str) -> bool:
    """Whether the namespace is this store's: an earlier store may have had the same name."""
    labels: dict[str, str] = namespace["metadata"].get("labels", {})
    return labels.get(INSTANCE) == instance and labels.get(STORE_ID) == store.id


def stores_in_cluster(cluster: Cluster, instance: str) -> list[Store]:
    """The stores of this instance, read from their namespaces. Raises Transient and JobFailed."""
    stores = [_store_of(meta) for meta in namespaces_of(cluster, instance) if COPY_OF not in meta["labels"]]
    return [store for store in stores if store]


def copies_in_cluster(cluster: Cluster, instance: str) -> dict[str, str]:
    """The namespaces with copies of stores: name -> the store's id. Raises Transient and JobFailed."""
    copies = [meta for meta in namespaces_of(cluster, instance) if COPY_OF in meta["labels"]]
    return {meta["name"]: meta["labels"][COPY_OF] for meta in copies}


def namespaces_of(cluster: Cluster, instance: str) -> list[Object]:
    """The metadata of this instance's namespaces that are not being deleted."""
    metas = [namespace["metadata"] for namespace in cluster.namespaces({**MANAGED_BY, INSTANCE: instance})]
    return [meta for meta in metas if not meta.get("deletionTimestamp")]


def _status_of(notes: dict[str, str]) -> StoreStatus:
    if ASLEEP in notes:
        return StoreStatus.ASLEEP
    return StoreStatus.READY if notes.get(READY_AT) else StoreStatus.FAILED


def _store_of(meta: Object) -> Store | None:
    """None if somebody removed a label or an annotation."""
    labels, notes = meta["labels"], meta.get("annotations", {})
    ready_at = notes.get(READY_AT)
    expires_at, _, life = notes.get(EXPIRES, "").partition(" ")
    idle_after = notes.get(IDLE_AFTER)
    try:
        return Store(
            id=labels[STORE_ID],
            name=labels[STORE],
            type=labels[TYPE],
            status=_status_of(notes),
            owner=notes[OWNER],
            origin=notes[PREFIX + "origin"],
            namespace=meta["name"],
            url=notes[PREFIX + "url"],
            admin_url=notes[PREFIX + "admin-url"],
            created_at=float(notes[PREFIX + "created-at"]),
            ready_at=float(ready_at) if ready_at else None,
            options=json.loads(notes.get(OPTIONS, "{}")),
            version=notes.get(VERSION, ""),
            release=notes.get(PREFIX + "release", labels[STORE]),  # former versions did not annotate it
            expires_at=float(expires_at) if expires_at else None,
            life=float(life or 0),
            idle_after=float(idle_after) if idle_after else None,
        )
    except (KeyError, ValueError) as error:
        log.warning("namespace %s was not adopted as a store: %s is missing or wrong", meta["name"], error)
        return None
