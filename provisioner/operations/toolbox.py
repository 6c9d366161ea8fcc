"""What a job works with: the operator's defaults, the ledger as far as it may write it, the cluster and Helm."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from provisioner.clients.helm import Helm
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.diagnosis import Patience
from provisioner.domain.backup import Backup
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import HandedOver, JobFailed, Problem
from provisioner.domain.job import EventKind, Job, JobEvent
from provisioner.domain.store import Store

# Room for two replicas and for all that may run next to them: a rolling upgrade, a migration, a test, a cron job.
QUOTA = {
    "pods": "12",
    "requests.memory": "4Gi",
    "limits.memory": "10Gi",
    "persistentvolumeclaims": "6",
    "requests.storage": "50Gi",
    "services.loadbalancers": "0",
    "services.nodeports": "0",
}
LIMIT_RANGE = {"type": "Container", "default": {"memory": "256Mi"}, "defaultRequest": {"memory": "64Mi"}}
ROLLBACK_SECONDS = 300.0
LAST_CALL_SECONDS = 300.0


class JobLedger(Protocol):
    """What a job reads and writes of the ledger.

    In the bot's process it is JobJournal; in a process of the job's own, its log, which the bot reads."""

    @property
    def clock(self) -> Callable[[], float]: ...
    def store(self, store_id: str) -> Store | None: ...
    def events(self, job_id: str) -> list[JobEvent]: ...
    def require_live(self, job: Job) -> None: ...
    def record(self, job: Job, kind: EventKind, stage: str = "", detail: str = "") -> None: ...
    def set_version(self, store_id: str, version: str) -> None: ...
    def set_options(self, store_id: str, options: dict[str, str]) -> None: ...
    def add_backup(self, job: Job, backup: Backup) -> None: ...
    def note_proven(self, job: Job, backup_id: str) -> None: ...
    def keep_until(self, store_id: str, until: float | None) -> None: ...
    def start_rollback(self, job: Job, problem: Problem) -> Job: ...
    def succeed(self, job: Job, version: str = "", options: Mapping[str, str] | None = None) -> None: ...
    def end_cancelled(self, job: Job) -> None: ...


@dataclass(frozen=True, kw_only=True)
class StoreDefaults:
    """What the operator decides about all stores. It holds no secret.

    `instance` distinguishes several Storewrights on one cluster.
    `profile` selects the charts' values-<profile>.yaml; `overlay` has the operator's values by store type.
    `service_account` ("namespace/name") is the bot's own, None for an admin's kubeconfig; `store_role` is the
    ClusterRole that it binds in a store's namespace.
    `pull_secret` ("namespace/name") is the registry's Secret for the stores' images, None if the registry needs none.
    `ingress_address` ("host:port") is where storefront checks connect to, None to use the store's URL.
    `quota` is the `hard` of a store's ResourceQuota, `limit_range` the only entry of its LimitRange.
    `backup_server` is the URL of the backup server's Service ("https://name.namespace.svc:8000"), None if stores have
    no backups. A Secret of that name and namespace has the keys of the backups.
    `waker_address` ("ip:port") is where the page for visits of sleeping stores is served, None if there is none.
    `undelete_days` is how long a deleted store can be undeleted; 0 for not at all.
    `rollback_seconds` is the time in which a failed job may bring back what was before."""

    instance: str = "storewright"
    profile: str | None = None
    overlay: dict[str, Any] = field(default_factory=dict)
    service_account: str | None = None
    store_role: str = "storewright-store"
    pull_secret: str | None = None
    ingress_address: str | None = None
    patience: Patience = field(default_factory=Patience)
    quota: dict[str, str] = field(default_factory=lambda: dict(QUOTA))
    limit_range: dict[str, Any] = field(default_factory=lambda: dict(LIMIT_RANGE))
    backup_server: str | None = None
    waker_address: str | None = None
    undelete_days: float = 7.0
    rollback_seconds: float = ROLLBACK_SECONDS

    @property
    def grace_seconds(self) -> float:
        """How long past its deadline a job may run: for its rollback, with a slow last call of helm."""
        return self.rollback_seconds + LAST_CALL_SECONDS


@dataclass(frozen=True, kw_only=True)
class Toolbox:
    """The tools of a job.

    Once `stopping` is set, jobs stop at their next step, and the next process goes on with them. `fence` raises
    HandedOver when another process may have done so already."""

    defaults: StoreDefaults
    ledger: JobLedger
    cluster: Cluster
    helm: Helm
    catalog: Catalog
    stopping: threading.Event = field(default_factory=threading.Event)
    fence: Callable[[], None] = lambda: None

    def fenced(self, fence: Callable[[], None]) -> Toolbox:
        """The same tools, which do nothing any more once `fence` raises."""
        return replace(self, cluster=self.cluster.fenced(fence), helm=self.helm.fenced(fence), fence=fence)

    @contextmanager
    def stage(self, job: Job, name: str) -> Iterator[list[str]]:
        """Record that a stage started and, unless the block raises, that it is done.

        The block may add sentences to the list: people see them as the stage's result, and with the job's.

        Raises Superseded or HandedOver."""
        self.require_wanted(job)
        self.ledger.record(job, EventKind.STARTED, name)
        results: list[str] = []
        yield results
        self.ledger.record(job, EventKind.DONE, name, " ".join(results))

    def check_in(self, job: Job, what: str, hint: str = "", next_step: str = "Look at the namespace") -> None:
        """Call this while waiting.

        Raises JobFailed past the deadline, Superseded and HandedOver."""
        self.require_wanted(job)
        if self.ledger.clock() > job.deadline_at:
            raise JobFailed(f"{what} within {job.allowed / 60:.0f} min.", hint, f"{next_step}, then retry.")

    def require_wanted(self, job: Job) -> None:
        """Raises Superseded if the job ended or was cancelled, HandedOver if this process may not go on with it."""
        if self.stopping.is_set():
            raise HandedOver(job.id)
        self.fence()
        self.ledger.require_live(job)

    def remaining(self, job: Job) -> float:
        """Seconds until the job's deadline, at least one."""
        return max(1.0, job.deadline_at - self.ledger.clock())

    def store_of(self, job: Job) -> Store:
        """The job's store. Raises JobFailed."""
        return self._store(job.store_id)

    def source_of(self, job: Job) -> Store:
        """The store whose data the job copies. Raises JobFailed."""
        return self._store(job.arguments["source"])

    def _store(self, store_id: str) -> Store:
        store = self.ledger.store(store_id)
        if not store:
            raise JobFailed(f"The ledger has no store {store_id}.")
        return store
