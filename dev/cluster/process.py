"""How this package runs programs, waits for things and says what went wrong."""

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from rich.console import Console

from dev.cache import TOOLS

console = Console(stderr=True, highlight=False)


class ClusterError(Exception):
    """What happened, its likely cause and the next step, in words for the person at the terminal."""


def run(
    *command: str | Path,
    stdin: str | IO[bytes] = "",
    env: dict[str, str] | None = None,
    timeout: float = 60,
) -> str:
    """Run a program on the given text or open file and return what it printed.

    Raises ClusterError with the program's own words if it is missing, fails or takes over `timeout` seconds.
    """
    argv = [str(part) for part in command]
    try:
        given = {"input": stdin} if isinstance(stdin, str) else {"stdin": stdin}
        return subprocess.run(
            argv, **given, env=env, capture_output=True, text=True, check=True, timeout=timeout
        ).stdout
    except FileNotFoundError as error:
        raise ClusterError(f"{argv[0]} is not installed; run `sh dev/setup.sh`, which installs it") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"`{' '.join(argv)}` did not finish in {timeout:.0f} s") from error
    except subprocess.CalledProcessError as error:
        raise ClusterError(f"`{' '.join(argv)}` failed: {error.stderr.strip() or error.returncode}") from error


def succeeds(*command: str | Path) -> bool:
    """Tell whether a program exits with 0, and nothing else about it."""
    try:
        run(*command)
    except ClusterError:
        return False
    return True


def kubectl(kubeconfig: Path) -> Sequence[str | Path]:
    """The start of a kubectl command line for the cluster that `kubeconfig` reaches."""
    return (TOOLS / "bin/kubectl", f"--kubeconfig={kubeconfig}", "--request-timeout=10s")


def until(condition: Callable[[], object], timeout: float, failure: Callable[[], str]) -> None:
    """Wait until `condition` holds; raise ClusterError(failure()) if it does not within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise ClusterError(failure())
        time.sleep(0.05)


def tail(log: Path, lines: int = 8) -> str:
    """The end of a log file, indented, to be read below a sentence that says what failed."""
    text = log.read_text(errors="replace") if log.exists() else "(no log)"
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
