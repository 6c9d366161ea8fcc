"""Processes that outlive the command that started them: known by pid and start time, so none is taken for another."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Background:
    """One such process; its pid file and log stand in `folder` as <name>.pid and <name>.log."""

    name: str
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def process(self) -> psutil.Process | None:
        """The process while it runs."""
        try:
            pid, born = self.pid_file.read_text().split()
            process = psutil.Process(int(pid))
            same = str(process.create_time()) == born and process.status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None
        return process if same else None

    def start(self, argv: list[str], env: dict[str, str]) -> None:
        """Start it, detached from this terminal; `env` is added to ours."""
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
        self.pid_file.write_text(f"{child.pid} {psutil.Process(child.pid).create_time()}")

    def stop(self, patience: float = 10.0) -> None:
        """Ask it to end, and end it after `patience` seconds; no error where it does not run."""
        if process := self.process():
            process.terminate()
            try:
                process.wait(patience)
            except psutil.TimeoutExpired:
                process.kill()
        self.pid_file.unlink(missing_ok=True)
