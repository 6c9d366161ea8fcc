"""Tells a waiting person what is being built and about how long it takes; plain lines where there is no terminal."""

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
TAIL = 15  # lines of a failed step's output that are shown
console = Console(stderr=True, highlight=False)


@cache
def tell(note: str) -> None:
    """A line that a process prints once."""
    console.print(note, soft_wrap=True)


class Step:
    """One thing that is built, by one or more programs whose output goes to build/images.log."""

    def __init__(self, log: IO[str], tell: Callable[[str], None]) -> None:
        self._log, self._tell = log, tell

    def run(self, *command: str | Path) -> None:
        """Run a program to its end. Raises ImageError with the end of its output if it fails or is missing."""
        output: list[str] = []
        argv = ["nice", *map(str, command)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            for line in process.stdout or ():
                output.append(line)
                self._log.write(line)
                if "STEP " in line:
                    self._tell(line.partition("STEP ")[2].strip())
        if process.returncode:
            tail = "".join(output[-TAIL:])
            raise ImageError(f"`{' '.join(argv[1:4])} …` failed; the whole log is {LOG.relative_to(CHECKOUT)}\n{tail}")


class ByTime(ProgressColumn):
    """A bar that moves with the clock towards the estimate, and waits just before its end if that was too short."""

    def render(self, task: Task) -> ProgressBar:
        total = task.total or 1
        return ProgressBar(total=total, completed=min(task.elapsed or 0, 0.97 * total), width=30)


@contextmanager
def steps(estimate: int) -> Iterator[Callable[[str, int], Step]]:
    """A line of progress over `estimate` seconds; call what this gives with (what is next, its seconds)."""
    LOG.parent.mkdir(exist_ok=True)
    columns = (ByTime(), TimeElapsedColumn(), TextColumn("of about {task.total:.0f} s · {task.description}"))
    with LOG.open("w") as log, Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=estimate)

        def step(title: str, seconds: int) -> Step:
            if not console.is_terminal:
                console.print(f"> Building {title} (about {seconds} s)", soft_wrap=True)
            bar.update(task, description=title)
            return Step(log, lambda detail: bar.update(task, description=f"{title} {detail[:30]}"))

        yield step
