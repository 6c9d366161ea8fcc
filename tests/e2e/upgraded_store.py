"""A store of a tiny type and its upgrades, without a bot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from dev.cluster import Cluster as DevCluster
from dev.stack import kubectl
from provisioner.clients.kubernetes.cluster import Object
from provisioner.clients.kubernetes.objects import is_ready, is_terminating
from provisioner.diagnosis import Patience
from provisioner.domain.job import EventKind, Job
from provisioner.domain.store import StoreStatus
from provisioner.operations.upgrade import UPGRADE
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.reused import reused
from tests.e2e.sample_type import SampleType
from tests.waiting import until


class UpgradedStore:
    """A Ready store of a tiny type."""

    def __init__(self, harness: ProvisionerHarness, type: SampleType) -> None:
        self.harness, self.type = harness, type
        self.name = f"upgraded-{uuid4().hex[:8]}"  # Kubernetes may still be deleting the store of a former test
        self.namespace = f"store-{self.name}"
        self.made = harness.succeeded(harness.create(self.name))

    @property
    def version(self) -> str:
        """The version that the store runs, such as 0.1.0."""
        return str(self.harness.store(self.name).version)

    @property
    def next_version(self) -> str:
        """The version after that of the chart."""
        major, minor, patch = self.type.version.split(".")
        return f"{major}.{minor}.{int(patch) + 1}"

    def intact(self) -> bool:
        """Whether the store is Ready, the pods that serve it are, and its page shows its version."""
        pods = [pod for pod in self.harness.tools.cluster.pods(self.namespace) if _serves(pod)]
        whole = bool(pods) and all(map(is_ready, pods)) and f"version {self.version}<" in self.page()
        return whole and self.harness.store(self.name).status == StoreStatus.READY

    def upgrade(self, seconds: float = UPGRADE.deadline_seconds, **details: str) -> Job:
        """Release the next version with these `details` (see SampleType.release) and order the upgrade to it."""
        self.type.release(self.next_version, **details)
        self.harness.reopen()
        return self.harness.upgrade(self.made, seconds)

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        return kubectl(self.harness.cluster, "-n", self.namespace, *args, stdin=stdin)

    def results(self, job: Job) -> str:
        """What the job's stages found."""
        events = self.harness.ledger.jobs.events(job.id)
        return " ".join(event.detail for event in events if event.kind == EventKind.DONE and event.detail)

    def page(self) -> str:
        cluster = self.harness.cluster
        return cluster.get(f"{self.name}.{cluster.store_domain}").text

    def require_version(self, version: str) -> None:
        """The store is Ready with `version`, and so are its page, its release and its namespace."""
        store = self.harness.store(self.name)
        assert (store.status, store.version) == (StoreStatus.READY, version)
        until("the ingress to serve the pod of this version", lambda: f"version {version}<" in self.page(), 60)
        tools = self.harness.tools
        revisions = tools.cluster.revisions(store.namespace, self.name)
        assert revisions
        assert revisions[-1].status == "deployed"
        assert not any(release.stuck for release in revisions)
        assert tools.helm.chart_version(self.name, store.namespace, revisions[-1].revision) == version
        namespace = tools.cluster.namespace(store.namespace)
        assert namespace is not None
        assert "storewright.dev/upgrade-from" not in namespace["metadata"]["annotations"]


S = TypeVar("S", bound=UpgradedStore)


@contextmanager
def shared_stores(
    cluster: DevCluster,
    folder: Path,
    type: SampleType,
    kind: Callable[[ProvisionerHarness, SampleType], S],
    patience: Patience | None = None,
) -> Iterator[Callable[[], S]]:
    """Gives the former test's store if that is intact, or else a new one of version 0.1.0; see `reused`."""
    harness = ProvisionerHarness(cluster, folder, type.charts, type.name, patience)

    def make() -> S:
        type.release("0.1.0")
        harness.reopen()
        return kind(harness, type)

    yield reused(make)
    harness.close()
    harness.remove_all()


def _serves(pod: Object) -> bool:
    """Whether a pod is neither a migration's that has ended nor one that is going."""
    return pod["status"]["phase"] in ("Pending", "Running") and not is_terminating(pod)
