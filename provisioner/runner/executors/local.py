"""Jobs on threads of this process.

They need nothing else, and share the process's memory.
"""

from __future__ import annotations

from contextlib import suppress

from provisioner.clients.kubernetes.cluster import Forbidden
from provisioner.domain.job import Job
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.toolbox import Toolbox
from provisioner.runner.executors.exclusive import end_others


class LocalExecutor:
    """The default executor."""

    def __init__(self, tools: Toolbox, at_once: int = 8, home: str | None = None) -> None:
        """`home` is the namespace in which a bot with EXECUTOR=kubernetes would have made its Jobs, if any."""
        self._tools, self.at_once, self._home = tools, at_once, home

    def run(self, job: Job) -> None:
        if self._home:
            with suppress(Forbidden):  # a bot that may not list Jobs there has made none
                end_others(self._tools, self._home, job)
        OPERATIONS[job.kind].carry_out(self._tools, job)
