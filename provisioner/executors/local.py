"""Workflows in this process: nothing else is needed, and all that runs at once shares its memory."""

from __future__ import annotations

from provisioner import workflows
from provisioner.jobs import Job
from provisioner.workflows import Toolbox


class Local:
    """The default."""

    def __init__(self, tools: Toolbox, at_once: int = 8) -> None:
        self._tools, self.at_once = tools, at_once

    def run(self, job: Job) -> None:
        workflows.run(self._tools, job)
