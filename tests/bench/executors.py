"""The same job with each executor, from its order to its end; the store is tiny, so that the executor's share shows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from dev.cluster import Cluster
from provisioner.domain.job import Job, JobStatus
from tests.e2e.provisioner_harness import Works
from tests.e2e.remote import RemoteWorks
from tests.e2e.sample_type import Leaflet, load_image

Opening = Callable[[Cluster, Path, Leaflet], Works]
OPENINGS: dict[str, Opening] = {
    "local": lambda cluster, folder, leaflet: Works(cluster, folder, leaflet.charts, "leaflet"),
    "kubernetes": RemoteWorks,
}


def seconds(cluster: Cluster, rounds: int) -> dict[str, list[float]]:
    """The seconds of each of `rounds` orders, by executor; one store at a time, deleted before the next.

    Raises RuntimeError if an order fails."""
    return {name: _orders(name, opening, cluster, rounds) for name, opening in OPENINGS.items()}


def _orders(name: str, opening: Opening, cluster: Cluster, rounds: int) -> list[float]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        load_image(cluster, folder)
        works = opening(cluster, folder, Leaflet(folder / "charts"))
        try:
            return [_order(works, f"bench-{name}-{number}") for number in range(rounds)]
        finally:
            works.close()
            works.remove_all()


def _order(works: Works, name: str) -> float:
    made = _succeeded(works.ended(works.create(name)))
    _succeeded(works.ended(works.delete(made)))
    assert made.finished_at is not None
    return made.finished_at - made.created_at


def _succeeded(job: Job) -> Job:
    if job.status != JobStatus.SUCCEEDED:
        raise RuntimeError(f"{job.kind} of {job.store} failed: {job.problem}")
    return job
