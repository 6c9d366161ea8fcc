"""The provisioner without a bot, on a real cluster. Each open() is like the start of a process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from dev.cluster import Cluster as DevCluster
from dev.stack import ROOT, kubectl
from provisioner.clients.helm import Helm
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.diagnosis import Patience
from provisioner.domain.backup import Backup
from provisioner.domain.catalog import Catalog
from provisioner.domain.job import EventKind, Job, JobKind, JobStatus
from provisioner.domain.limits import Limits
from provisioner.domain.revision import way_to
from provisioner.domain.store import Addresses, Store
from provisioner.ledger.ledger import Ledger
from provisioner.operations.backup import BACKUP
from provisioner.operations.create import CREATE
from provisioner.operations.delete import DELETE, FOR_GOOD
from provisioner.operations.journal import JobJournal
from provisioner.operations.pause import PAUSE
from provisioner.operations.prove import PROVE
from provisioner.operations.prove import arguments_of as arguments_of_proof
from provisioner.operations.registry import DEFAULT_DEADLINES
from provisioner.operations.reset import RESET
from provisioner.operations.restart import RESTART
from provisioner.operations.restore import RESTORE, arguments_of
from provisioner.operations.rollback import ROLLBACK
from provisioner.operations.rollback import arguments_of as arguments_of_rollback
from provisioner.operations.steps.backup_job import arguments_for
from provisioner.operations.steps.kept_store import KeptStore
from provisioner.operations.steps.revisions import read_revisions
from provisioner.operations.toolbox import LIMIT_RANGE, StoreDefaults, Toolbox
from provisioner.operations.undelete import UNDELETE
from provisioner.operations.upgrade import UPGRADE
from provisioner.operations.wake import WAKE
from provisioner.orders import Orders
from provisioner.runner.executors import Executor
from provisioner.runner.executors.local import LocalExecutor
from provisioner.runner.scheduler import Scheduler
from tests.e2e.backup_server import BackupServer
from tests.ledgers import SampleOrders
from tests.waiting import until_job
from tests.workers import WORKER

LIMITS = Limits(stores_per_person=50, creations_per_hour=200)
INSTANCE = f"provisioner-test-{WORKER}"


class ProvisionerHarness:
    """Ledger, orders, scheduler and toolbox for the charts in a folder."""

    def __init__(
        self,
        cluster: DevCluster,
        folder: Path,
        charts: Path = ROOT / "charts",
        type: str = "medusa",
        patience: Patience | None = None,
    ) -> None:
        self.cluster, self.folder, self.charts, self.type = cluster, folder, charts, type
        self.overlay: dict[str, Any] = yaml.safe_load((ROOT / "build/images.yaml").read_text())
        self.patience = patience or Patience()
        self.limit_range: dict[str, Any] = dict(LIMIT_RANGE)
        self.waker_address: str | None = None
        self.undelete_days = 0  # most tests have no backup server
        self.open()

    # --- processes --------------------------------------------------------------------------------------------------

    def open_ledger(self) -> None:
        """Open the ledger only: orders can be placed, but no job runs."""
        self.ledger = Ledger.exclusive(self.folder / "ledger.db")
        self.journal = JobJournal(self.ledger)
        self.catalog = Catalog(self.charts)

    def open(self) -> None:
        """Open the ledger and start the scheduler."""
        self.open_ledger()
        self.tools = Toolbox(
            defaults=StoreDefaults(
                instance=INSTANCE,
                profile="local",
                overlay=self.overlay,
                patience=self.patience,
                limit_range=self.limit_range,
                **self.defaults(),
            ),
            ledger=self.journal,
            cluster=Cluster(self.cluster.kubeconfig),
            helm=Helm(kubeconfig=self.cluster.kubeconfig),
            catalog=self.catalog,
        )
        self.scheduler = Scheduler(self.ledger, self.tools, self.executor())
        self.scheduler.start()

    def addresses(self) -> Addresses:
        """The addresses of new stores."""
        return Addresses(self.cluster.store_domain, port=self.cluster.ingress_port)

    def defaults(self) -> dict[str, Any]:
        """The fields of StoreDefaults that depend on where the jobs run."""
        server = BackupServer(self.cluster).url
        return {
            "ingress_address": self.cluster.ingress_address,
            "backup_server": server,
            "undelete_days": self.undelete_days,
            "waker_address": self.waker_address,
        }

    def executor(self) -> Executor:
        return LocalExecutor(self.tools)

    def close(self) -> None:
        self.scheduler.stop()
        self.ledger.close()

    def reopen(self) -> None:
        """Close and open, like the next process, which reads charts and settings again."""
        self.close()
        self.open()

    # --- orders -----------------------------------------------------------------------------------------------------

    def create(self, name: str, seconds: float = CREATE.deadline_seconds) -> Job:
        return self._orders({CREATE.kind: seconds}).create(name)

    def delete(self, job: Job, seconds: float = DELETE.deadline_seconds, *, now: bool = False) -> Job:
        return self._orders({DELETE.kind: seconds}).place(DELETE, job, arguments=FOR_GOOD if now else None)

    def undelete(self, job: Job) -> Job:
        [backup, *_] = self.backups(job)
        return self._orders().place(UNDELETE, job, arguments=arguments_for(backup))

    def prove(self, job: Job) -> Job:
        return self._orders().place(PROVE, job, arguments=arguments_of_proof(self.backups(job)[0]))

    def upgrade(self, job: Job, seconds: float = UPGRADE.deadline_seconds) -> Job:
        return self._orders({UPGRADE.kind: seconds}).upgrade(job)

    def change(self, job: Job, **values: str) -> Job:
        return self._orders().change(job, values)

    def restart(self, job: Job, seconds: float = RESTART.deadline_seconds) -> Job:
        return self._orders({RESTART.kind: seconds}).place(RESTART, job)

    def reset(self, job: Job) -> Job:
        return self._orders().place(RESET, job)

    def pause(self, job: Job) -> Job:
        return self._orders().place(PAUSE, job)

    def wake(self, job: Job) -> Job:
        return self._orders().place(WAKE, job)

    def backup(self, job: Job) -> Job:
        return self._orders().place(BACKUP, job)

    def restore(self, job: Job, backup: Backup, *, back_up_first: bool = True) -> Job:
        arguments = arguments_of(backup, back_up_first=back_up_first)
        return self._orders().place(RESTORE, job, arguments=arguments)

    def rollback(self, job: Job, *, keep_data: bool = False, present: str = "") -> Job:
        """Order the newest way back, as from the version `present`, '' for the one that runs."""
        store = self.store(job.store)
        way = way_to(store.name, read_revisions(self.tools, store), self.backups(job), 0)
        backup = None if keep_data else way.backup
        arguments = arguments_of_rollback(way.revision.number, way.revision.version, present or way.present, backup)
        return self._orders().place(ROLLBACK, job, arguments=arguments)

    def clone(self, job: Job, name: str, backup: str = "") -> Job:
        return self._orders().clone(job, name, backup)

    def recover(self, kept: KeptStore) -> Job:
        return self._orders().recover(kept)

    def backups(self, job: Job) -> list[Backup]:
        """The backups of the job's store, newest first."""
        return self.ledger.store_backups.of_store(job.store_id)

    def retry(self, job: Job) -> Job:
        return self._orders().retry(job)

    @property
    def orders(self) -> Orders:
        return self._orders().orders

    def _orders(self, deadlines: dict[JobKind, float] | None = None) -> SampleOrders:
        return SampleOrders(
            self.ledger,
            catalog=self.catalog,
            addresses=self.addresses(),
            limits=LIMITS,
            deadlines={**DEFAULT_DEADLINES, **(deadlines or {})},
            origin="{}",
            type=self.type,
        )

    # --- state ------------------------------------------------------------------------------------------------------

    def store(self, name: str) -> Store:
        """The store called `name`; it must exist."""
        return self._orders().store(name)

    def job(self, job: Job) -> Job:
        """The job as the ledger has it now."""
        return self._orders().job(job)

    def until(self, job: Job, condition: Callable[[Job], bool], seconds: float = 120) -> Job:
        """The job once `condition` is true for it."""
        try:
            return until_job(self.ledger, job, condition, seconds)
        except AssertionError as error:
            of_stores = ("pods,jobs", "-A", "-o", "wide", "-l", "storewright.dev/store")
            raise AssertionError(f"{error}\n{kubectl(self.cluster, 'get', *of_stores)}") from None

    def ended(self, job: Job, seconds: float = 120) -> Job:
        """The job once it has ended."""
        return self.until(job, lambda found: not found.live, seconds)

    def succeeded(self, job: Job, seconds: float = 120) -> Job:
        """The job once it has ended well."""
        ended = self.ended(job, seconds)
        assert ended.status == JobStatus.SUCCEEDED, ended.problem
        return ended

    def wait_for_stage(self, job: Job, stage: str) -> None:
        """Wait until the job has started a stage."""

        def started(_: Job) -> bool:
            events = self.ledger.jobs.events(job.id)
            return any(event.stage == stage and event.kind == EventKind.STARTED for event in events)

        self.until(job, started)

    def namespaces(self) -> list[str]:
        return kubectl(self.cluster, "get", "namespaces", "-o", "name").split()

    def volumes(self, namespace: str) -> list[str]:
        """The PersistentVolumes that are claimed in a namespace."""
        items = json.loads(kubectl(self.cluster, "get", "pv", "-o", "json"))["items"]
        return [v["metadata"]["name"] for v in items if v["spec"]["claimRef"]["namespace"] == namespace]

    def remove_stores(self, *kept: str) -> None:
        """Delete the stores' namespaces from the cluster, except those of the stores `kept`."""
        ours = f"storewright.dev/instance={INSTANCE},storewright.dev/store notin ({','.join(('none', *kept))})"
        kubectl(self.cluster, "delete", "namespace", "-l", ours, "--wait=false")

    def remove_all(self) -> None:
        """Delete everything of this harness from the cluster."""
        self.remove_stores()
