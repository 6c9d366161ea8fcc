"""Helpers to run programs and wait, and the error of dev.cluster."""

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from rich.console import Console

from dev.cache import TOOLS

console = Console(stderr=True, highlight=False)


class ClusterError(Exception):
    """A failed operation; the message gives cause and next step."""


def run(
    *command: str | Path,
    stdin: str | IO[bytes] = "",
    env: dict[str, str] | None = None,
    timeout: float = 60,
) -> str:
    """Run a program and return its output.

    `stdin` is text or an open file.
    Raises ClusterError, with the program's error output, if it is missing, fails or exceeds `timeout` seconds.
    """
    argv = [str(part) for part in command]
    try:
        source = {"input": stdin} if isinstance(stdin, str) else {"stdin": stdin}
        return subprocess.run(
            argv, **source, env=env, capture_output=True, text=True, check=True, timeout=timeout
        ).stdout
    except FileNotFoundError as error:
        raise ClusterError(f"{argv[0]} is not installed; install it with `sh dev/setup.sh`") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"`{' '.join(argv)}` did not finish in {timeout:.0f} s") from error
    except subprocess.CalledProcessError as error:
        raise ClusterError(f"`{' '.join(argv)}` failed: {error.stderr.strip() or error.returncode}") from error


def succeeds(*command: str | Path) -> bool:
    """True if a program runs and exits with 0."""
    try:
        run(*command)
    except ClusterError:
        return False
    return True


def kubectl(kubeconfig: Path) -> Sequence[str | Path]:
    """The start of a kubectl command line for the cluster of `kubeconfig`."""
    return (TOOLS / "bin/kubectl", f"--kubeconfig={kubeconfig}", "--request-timeout=10s")


def wait_until(condition: Callable[[], object], timeout: float, failure: Callable[[], str]) -> None:
    """Wait until `condition` is true.

    Raises ClusterError(failure()) after `timeout` seconds."""
    started = time.monotonic()
    deadline = started + timeout
    while not condition():
        now = time.monotonic()
        if now > deadline:
            raise ClusterError(failure())
        time.sleep(max(0.05, now - started))  # a slow condition, such as kubectl, takes half of the time at most
        started = time.monotonic()


def tail(log: Path, lines: int = 8) -> str:
    """The last lines of a log file, indented for an error message."""
    text = log.read_text(errors="replace") if log.exists() else "(no log)"
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
