"""Background processes, identified by pid and start time.

The start time distinguishes a process from another one that reuses its pid."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class BackgroundProcess:
    """A process that outlives its starter; `folder` contains its <name>.pid and <name>.log."""

    name: str
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def process(self) -> psutil.Process | None:
        """The process if it is running, else None."""
        try:
            pid, start_time = self.pid_file.read_text().split()
            process = psutil.Process(int(pid))
            same = str(process.create_time()) == start_time and process.status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None
        return process if same else None

    def start(self, argv: list[str], env: dict[str, str]) -> None:
        """Start the process, detached from this terminal.

        `env` is added to the current environment."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                argv,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.record(child.pid)

    def record(self, pid: int) -> None:
        """Take the process with this id for this one. Raises psutil.NoSuchProcess if it has ended."""
        self.pid_file.write_text(f"{pid} {psutil.Process(pid).create_time()}")

    def stop(self, timeout: float = 10.0) -> None:
        """Terminate the process; kill it after `timeout` seconds."""
        if process := self.process():
            process.terminate()
            try:
                process.wait(timeout)
            except psutil.TimeoutExpired:
                process.kill()
        self.pid_file.unlink(missing_ok=True)
