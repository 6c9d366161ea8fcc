"""Shows the current build step and the estimated time.

On a terminal it is a progress bar, elsewhere plain lines."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.progress_bar import ProgressBar

from dev.cache import CHECKOUT
from dev.images.errors import ImageError

LOG = CHECKOUT / "build" / "images.log"
TAIL_LINES = 15  # of a failed step's output
console = Console(stderr=True, highlight=False)


@cache
def print_once(note: str) -> None:
    """Print a line, once per process."""
    console.print(note, soft_wrap=True)


class Step:
    """One build step: it runs programs and writes their output to build/images.log."""

    def __init__(self, log: IO[str], show_detail: Callable[[str], None]) -> None:
        self._log, self._show_detail = log, show_detail

    def run(self, *command: str | Path) -> None:
        """Run a program. Raises ImageError with the end of its output if it fails."""
        output: list[str] = []
        argv = ["nice", *map(str, command)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            for line in process.stdout or ():
                output.append(line)
                self._log.write(line)
                if "STEP " in line:
                    self._show_detail(line.partition("STEP ")[2].strip())
        if process.returncode:
            tail = "".join(output[-TAIL_LINES:])
            log = LOG.relative_to(CHECKOUT)
            raise ImageError(f"`{' '.join(argv[1:4])} …` failed. The full log is {log}. It ends with:\n{tail}")


class EstimatedTimeColumn(ProgressColumn):
    """A bar that follows the elapsed time.

    It stops at 97 % of the estimate until the build ends."""

    def render(self, task: Task) -> ProgressBar:
        total = task.total or 1
        return ProgressBar(total=total, completed=min(task.elapsed or 0, 0.97 * total), width=30)


@contextmanager
def progress(estimate: int) -> Iterator[Callable[[str, int], Step]]:
    """A progress bar for `estimate` seconds.

    Yields a function that starts a step: (title, estimated seconds)."""
    LOG.parent.mkdir(exist_ok=True)
    columns = (
        EstimatedTimeColumn(),
        TimeElapsedColumn(),
        TextColumn("of about {task.total:.0f} s · {task.description}"),
    )
    with LOG.open("w") as log, Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=estimate)

        def step(title: str, seconds: int) -> Step:
            if not console.is_terminal:
                console.print(f"> Building {title} (about {seconds} s)", soft_wrap=True)
            bar.update(task, description=title)
            return Step(log, lambda detail: bar.update(task, description=f"{title} {detail[:30]}"))

        yield step
