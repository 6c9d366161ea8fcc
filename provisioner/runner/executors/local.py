"""Workflows in this process: nothing else is needed, and all that runs at once shares its memory."""

from __future__ import annotations

from contextlib import suppress

from provisioner.clients.kubernetes.cluster import Forbidden
from provisioner.domain.job import Job
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.toolbox import Toolbox
from provisioner.runner.executors.exclusive import end_others


class LocalExecutor:
    """The default. `home` is the namespace in which a bot with another executor would have made its Jobs, if any."""

    def __init__(self, tools: Toolbox, at_once: int = 8, home: str | None = None) -> None:
        self._tools, self.at_once, self._home = tools, at_once, home

    def run(self, job: Job) -> None:
        if self._home:
            with suppress(Forbidden):  # who may not see Jobs there has made none
                end_others(self._tools, self._home, job)
        OPERATIONS[job.kind].run(self._tools, job)
