"""What every workflow works with, and the words by which a namespace in the cluster is known as a store of ours."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from provisioner.clients.helm import Helm
from provisioner.clients.kubernetes.cluster import Cluster, Object
from provisioner.diagnosis import Patience
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import HandedOver, JobFailed
from provisioner.domain.job import EventKind, Job, JobEvent
from provisioner.domain.store import INSTANCE, PREFIX, STORE, STORE_ID, TYPE, Addresses, Store, StoreStatus

log = logging.getLogger(__name__)


class JobLedger(Protocol):
    """What a workflow reads and writes of the ledger: the Ledger itself, or, in a process of a job's own, a way to it.

    Each method is the Ledger's of that name."""

    @property
    def clock(self) -> Callable[[], float]: ...
    def store_by_id(self, store_id: str) -> Store | None: ...
    def events(self, job_id: str) -> list[JobEvent]: ...
    def require_live(self, job: Job) -> None: ...
    def record(self, job: Job, kind: EventKind, stage: str = "", detail: str = "") -> None: ...
    def note_version(self, store_id: str, version: str) -> None: ...
    def succeed(self, job: Job, version: str = "") -> None: ...


@dataclass(frozen=True, kw_only=True)
class StoreDefaults:
    """What an operator decides about all stores; no secret is among it. `instance` tells several Storewrights on one
    cluster apart; `profile` picks the charts' values-<profile>.yaml; `overlay` is the operator's values by store type;
    `service_account` ("namespace/name") is who we are in the cluster, None for an admin's kubeconfig, and `store_role`
    the ClusterRole by which we work in a store's namespace; `pull_secret` ("namespace/name") is the Secret of the
    registry that stores' images come from, None where it asks for none; `ingress_address` ("host:port") is dialled for
    checks, None to dial the store's URL."""

    addresses: Addresses
    instance: str = "storewright"
    profile: str | None = None
    overlay: dict[str, Any] = field(default_factory=dict)
    service_account: str | None = None
    store_role: str = "storewright-store"
    pull_secret: str | None = None
    ingress_address: str | None = None
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, kw_only=True)
class Toolbox(StoreDefaults):
    """The terms, and what the work is done with. Once `stopping` is set, jobs let go at their next step and are taken
    up by the next process; `fence` raises HandedOver where another process may have taken them up already."""

    ledger: JobLedger
    cluster: Cluster
    helm: Helm
    catalog: Catalog
    stopping: threading.Event = field(default_factory=threading.Event)
    fence: Callable[[], None] = lambda: None

    def fenced(self, fence: Callable[[], None]) -> Toolbox:
        """The same tools, of which none does anything once `fence` raises."""
        return replace(self, cluster=self.cluster.fenced(fence), helm=self.helm.fenced(fence), fence=fence)

    @contextmanager
    def stage(self, job: Job, name: str, detail: str = "") -> Iterator[None]:
        """Tell that a stage began and, unless it raises, that it is done; `detail` is kept with its beginning.

        Raises Superseded or HandedOver."""
        self.require_wanted(job)
        self.ledger.record(job, EventKind.STARTED, name, detail)
        yield
        self.ledger.record(job, EventKind.DONE, name)

    def check_in(self, job: Job, what: str, hint: str = "", next_step: str = "Look at the namespace") -> None:
        """While waiting: as `require_wanted`, and raises JobFailed past the deadline."""
        self.require_wanted(job)
        if self.ledger.clock() > job.deadline_at:
            raise JobFailed(f"{what} within {job.allowed / 60:.0f} min.", hint, f"{next_step}, then retry.")

    def require_wanted(self, job: Job) -> None:
        """Raises Superseded where the job is no longer wanted, HandedOver where it is not ours (any more)."""
        if self.stopping.is_set():
            raise HandedOver(job.id)
        self.fence()
        self.ledger.require_live(job)

    def remaining(self, job: Job) -> float:
        """Seconds to the job's deadline, at least one."""
        return max(1.0, job.deadline_at - self.ledger.clock())

    def store_of(self, job: Job) -> Store:
        store = self.ledger.store_by_id(job.store_id)
        if not store:
            raise JobFailed(f"The ledger has no store {job.store_id}.")
        return store

    def labels(self, store: Store) -> dict[str, str]:
        """Together with `annotations`: enough to rebuild the ledger from the cluster."""
        return {
            "app.kubernetes.io/managed-by": "storewright",
            INSTANCE: self.instance,
            STORE: store.name,
            STORE_ID: store.id,
            TYPE: store.type,
            "pod-security.kubernetes.io/enforce": "restricted",
        }

    def annotations(self, store: Store) -> dict[str, str]:
        return {
            PREFIX + "owner": store.owner,
            PREFIX + "origin": store.origin,
            PREFIX + "url": store.url,
            PREFIX + "admin-url": store.admin_url,
            PREFIX + "created-at": str(store.created_at),
            PREFIX + "options": json.dumps(store.options),
        }

    def is_ours(self, namespace: Object, store: Store) -> bool:
        """Whether a namespace is this very store's: a name may have been another's before."""
        labels: dict[str, str] = namespace["metadata"].get("labels", {})
        return labels.get(INSTANCE) == self.instance and labels.get(STORE_ID) == store.id

    def stores_in_cluster(self) -> list[Store]:
        """Ours, as their namespaces tell of them. Raises Transient."""
        found = self.cluster.namespaces({"app.kubernetes.io/managed-by": "storewright", INSTANCE: self.instance})
        stores = [_store(n["metadata"]) for n in found if not n["metadata"].get("deletionTimestamp")]
        return [store for store in stores if store]


def _store(meta: Object) -> Store | None:
    """The store a namespace's labels and annotations tell of; None where somebody took some of them away."""
    labels, notes = meta["labels"], meta.get("annotations", {})
    ready_at = notes.get(PREFIX + "ready-at")
    try:
        return Store(
            id=labels[STORE_ID],
            name=labels[STORE],
            type=labels[TYPE],
            status=StoreStatus.READY if ready_at else StoreStatus.FAILED,
            owner=notes[PREFIX + "owner"],
            origin=notes[PREFIX + "origin"],
            namespace=meta["name"],
            url=notes[PREFIX + "url"],
            admin_url=notes[PREFIX + "admin-url"],
            created_at=float(notes[PREFIX + "created-at"]),
            ready_at=float(ready_at) if ready_at else None,
            options=json.loads(notes.get(PREFIX + "options", "{}")),
            version=notes.get(PREFIX + "version", ""),
        )
    except (KeyError, ValueError) as error:
        log.warning("namespace %s can't be taken in as a store: %s is missing or wrong", meta["name"], error)
        return None
