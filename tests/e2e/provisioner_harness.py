"""A provisioner without a front on a real cluster, opened anew as often as a test wants: each opening is a process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from dev.cluster import Cluster as DevCluster
from dev.stack import ROOT, kubectl
from provisioner.clients.helm import Helm
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.diagnosis import Patience
from provisioner.domain.catalog import Catalog
from provisioner.domain.job import EventKind, Job
from provisioner.domain.store import Addresses
from provisioner.ledger.ledger import Ledger, Limits
from provisioner.operations import Toolbox
from provisioner.runner.executors import Executor, LocalExecutor
from provisioner.runner.scheduler import Scheduler
from tests.waiting import until_job

LIMITS = Limits(stores_per_person=50, creations_per_hour=200)
INSTANCE = "provisioner-test"


class Works:
    """Ledger, scheduler and toolbox over the charts in a folder."""

    def __init__(self, cluster: DevCluster, folder: Path, charts: Path = ROOT / "charts", type: str = "medusa") -> None:
        self.cluster, self.folder, self.charts, self.type = cluster, folder, charts, type
        self.overlay: dict[str, Any] = yaml.safe_load((ROOT / "build/images.yaml").read_text())
        self.patience = Patience()
        self.open()

    def open_ledger(self) -> None:
        """Only that: orders are taken, and nobody works."""
        addresses = Addresses(self.cluster.store_domain, port=self.cluster.ingress_port)
        self.ledger = Ledger(self.folder / "ledger.db", addresses)

    def open(self) -> None:
        self.open_ledger()
        self.tools = Toolbox(
            ledger=self.ledger,
            cluster=Cluster(self.cluster.kubeconfig),
            helm=Helm(kubeconfig=self.cluster.kubeconfig),
            catalog=Catalog(self.charts),
            addresses=self.ledger.addresses,
            instance=INSTANCE,
            profile="local",
            overlay=self.overlay,
            patience=self.patience,
            **self.terms(),
        )
        self.scheduler = Scheduler(self.ledger, self.tools, self.executor())
        self.ledger.on_change = self.scheduler.wake
        self.scheduler.start()

    def terms(self) -> dict[str, Any]:
        """Where those work from that do the work."""
        return {"ingress_address": self.cluster.ingress_address}

    def executor(self) -> Executor:
        return LocalExecutor(self.tools)

    def close(self) -> None:
        self.scheduler.stop()
        self.ledger.close()

    def create(self, name: str) -> Job:
        return self.ledger.order_create(
            name=name,
            type=self.type,
            admin_path="/app",
            owner="U1",
            origin="{}",
            delivery_key=f"{name}-{time.monotonic()}",
            limits=LIMITS,
        )

    def delete(self, job: Job, limits: Limits = LIMITS) -> Job:
        key = f"delete-{job.id}-{time.monotonic()}"
        return self.ledger.order_delete(store_id=job.store_id, by="U1", origin="{}", delivery_key=key, limits=limits)

    def upgrade(self, job: Job, limits: Limits = LIMITS) -> Job:
        key = f"upgrade-{job.id}-{time.monotonic()}"
        return self.ledger.order_upgrade(store_id=job.store_id, by="U1", origin="{}", delivery_key=key, limits=limits)

    def until(self, job: Job, look: Callable[[Job], bool], seconds: float = 120) -> Job:
        return until_job(self.ledger, job, look, seconds)

    def ended(self, job: Job, seconds: float = 120) -> Job:
        return self.until(job, lambda j: not j.live, seconds)

    def reached(self, job: Job, stage: str) -> None:
        def begun(_: Job) -> bool:
            return any(e.stage == stage and e.kind == EventKind.STARTED for e in self.ledger.events(job.id))

        self.until(job, begun)

    def namespaces(self) -> list[str]:
        return kubectl(self.cluster, "get", "namespaces", "-o", "name").split()

    def volumes(self, namespace: str) -> list[str]:
        items = json.loads(kubectl(self.cluster, "get", "pv", "-o", "json"))["items"]
        return [v["metadata"]["name"] for v in items if v["spec"]["claimRef"]["namespace"] == namespace]

    def remove_all(self) -> None:
        """Let the cluster forget what was made here."""
        kubectl(self.cluster, "delete", "namespace", "-l", f"storewright.dev/instance={INSTANCE}", "--wait=false")
