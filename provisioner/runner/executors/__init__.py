"""Where a job's workflow runs: in this process (Local), or as a Kubernetes Job (Remote). The workflow is the same."""

from __future__ import annotations

from typing import Protocol

from provisioner.domain.job import Job
from provisioner.runner.executors.kubernetes import Remote
from provisioner.runner.executors.local import Local

__all__ = ["Executor", "Local", "Remote"]


class Executor(Protocol):
    """Runs up to `at_once` jobs, each on a thread of its caller's."""

    at_once: int

    def run(self, job: Job) -> None:
        """Do the job to its end, which it says to the ledger where it is a good one.

        Raises Transient, JobFailed, Superseded or HandedOver."""
