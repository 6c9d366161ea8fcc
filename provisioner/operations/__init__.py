"""One module per job kind: observe what is in the cluster, decide, act; every step can be entered again."""

from __future__ import annotations

from provisioner.domain.job import Job, JobKind
from provisioner.operations import create, delete, upgrade
from provisioner.operations.toolbox import Toolbox

__all__ = ["Toolbox", "run"]

WORKFLOWS = {JobKind.CREATE: create.run, JobKind.UPGRADE: upgrade.run, JobKind.DELETE: delete.run}


def run(tools: Toolbox, job: Job) -> None:
    """Do the job to its end. Raises Transient, JobFailed, Superseded or HandedOver."""
    WORKFLOWS[job.kind](tools, job)
