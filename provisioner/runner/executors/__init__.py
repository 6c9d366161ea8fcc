"""The executors: jobs run on threads, or as Kubernetes Jobs.

The operation is the same.
"""

from __future__ import annotations

from typing import Protocol

from provisioner.domain.job import Job


class Executor(Protocol):
    """Runs up to `at_once` jobs, each on a thread of its caller."""

    at_once: int

    def run(self, job: Job) -> None:
        """Run the job to its end; the ledger has its success then.

        Raises Transient, JobFailed, Superseded or HandedOver.
        """
