"""A scheduler on a real ledger, and executors that do what a test needs."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from provisioner.clients.helm import Helm
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.job import Job, JobKind
from provisioner.ledger.ledger import Ledger
from provisioner.operations.journal import JobJournal
from provisioner.operations.registry import DEFAULT_DEADLINES
from provisioner.operations.toolbox import StoreDefaults, Toolbox
from provisioner.runner.executors import Executor
from provisioner.runner.executors.local import LocalExecutor
from provisioner.runner.lease import Lease
from provisioner.runner.scheduler import Scheduler
from tests.conftest import write_kubeconfig
from tests.ledgers import SampleOrders, exclusive_ledger, repository_catalog
from tests.waiting import until_job

UNREACHABLE = "http://127.0.0.1:9"
MakeExecutor = Callable[[Toolbox], Executor]


def toolbox(folder: Path, ledger: Ledger, api: str = UNREACHABLE, defaults: StoreDefaults | None = None) -> Toolbox:
    """Tools for the API server at `api`."""
    kubeconfig = write_kubeconfig(folder / "kubeconfig", api)
    return Toolbox(
        defaults=defaults or StoreDefaults(),
        ledger=JobJournal(ledger),
        cluster=Cluster(kubeconfig),
        helm=Helm(kubeconfig=kubeconfig),
        catalog=repository_catalog(),
    )


class SampleScheduler:
    """A scheduler that is not started yet, and orders on its ledger."""

    def __init__(
        self,
        ledger: Ledger,
        tools: Toolbox,
        make: MakeExecutor = LocalExecutor,
        *,
        deadlines: Mapping[JobKind, float] | None = None,
        lease: Lease | None = None,
    ) -> None:
        self.ledger, self.tools, self.executor = ledger, tools, make(tools)
        self.orders = SampleOrders(ledger, deadlines=ChainMap(dict(deadlines or {}), DEFAULT_DEADLINES))
        self.scheduler = Scheduler(ledger, tools, self.executor, lease=lease)

    def ended(self, job: Job, seconds: float = 30) -> Job:
        """The job at its end; starts the scheduler and stops it."""
        with self.running():
            return until_job(self.ledger, job, lambda found: not found.live, seconds)

    @contextmanager
    def running(self) -> Iterator[Scheduler]:
        """The scheduler, started for the length of the block."""
        self.scheduler.start()
        try:
            yield self.scheduler
        finally:
            self.scheduler.stop()


@contextmanager
def sample_scheduler(
    folder: Path,
    make: MakeExecutor = LocalExecutor,
    *,
    api: str = UNREACHABLE,
    defaults: StoreDefaults | None = None,
    deadlines: Mapping[JobKind, float] | None = None,
) -> Iterator[SampleScheduler]:
    """A SampleScheduler with a ledger of its own in `folder`."""
    with exclusive_ledger(folder / "ledger.db") as ledger:
        yield SampleScheduler(ledger, toolbox(folder, ledger, api, defaults), make, deadlines=deadlines)


class ScriptedExecutor:
    """Calls `act` with each job, and keeps the jobs."""

    at_once = 2

    def __init__(self, act: Callable[[Job], None]) -> None:
        self._act = act
        self.jobs: list[Job] = []

    def run(self, job: Job) -> None:
        self.jobs.append(job)
        self._act(job)
