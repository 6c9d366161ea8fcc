"""The same job with each executor, timed from its order to its end. The store is tiny, so the executor dominates."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from dev.cluster import Cluster
from provisioner.domain.job import Job, JobStatus
from tests.e2e.kubernetes_harness import KubernetesHarness
from tests.e2e.provisioner_harness import ProvisionerHarness
from tests.e2e.sample_type import SampleType, load_image

OpenHarness = Callable[[Cluster, Path, SampleType], ProvisionerHarness]
HARNESSES: dict[str, OpenHarness] = {
    "local": lambda cluster, folder, leaflet: ProvisionerHarness(cluster, folder, leaflet.charts, "leaflet"),
    "kubernetes": KubernetesHarness,
}


def seconds(cluster: Cluster, rounds: int) -> dict[str, list[float]]:
    """The seconds of each of `rounds` orders, by executor; one store at a time, deleted before the next.

    Raises RuntimeError if an order fails."""
    return {name: _orders(name, opening, cluster, rounds) for name, opening in HARNESSES.items()}


def _orders(name: str, opening: OpenHarness, cluster: Cluster, rounds: int) -> list[float]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        load_image(cluster, folder)
        harness = opening(cluster, folder, SampleType(folder / "charts"))
        try:
            return [_order(harness, f"bench-{name}-{number}") for number in range(rounds)]
        finally:
            harness.close()
            harness.remove_all()


def _order(harness: ProvisionerHarness, name: str) -> float:
    made = _succeeded(harness.ended(harness.create(name)))
    _succeeded(harness.ended(harness.delete(made)))
    assert made.finished_at is not None
    return made.finished_at - made.created_at


def _succeeded(job: Job) -> Job:
    if job.status != JobStatus.SUCCEEDED:
        raise RuntimeError(f"{job.kind} of {job.store} failed: {job.problem}")
    return job
