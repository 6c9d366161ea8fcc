"""How every test waits for what comes by itself: until it is there, and no longer than it may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import httpx

from provisioner.domain.job import Job
from provisioner.ledger.ledger import Ledger

T = TypeVar("T")


def until(what: str, holds: Callable[[], T | None], seconds: float = 60) -> T:
    """What `holds` gives once it is true; fails naming `what`, and what it gave, if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what} (last: {found!r})"
        time.sleep(0.05)
    return found


def until_job(ledger: Ledger, job: Job, look: Callable[[Job], bool], seconds: float = 30) -> Job:
    """The job as the ledger has it, once `look` is content with it; fails with all its events if it is not in time."""
    deadline = time.monotonic() + seconds
    while not (now := ledger.job(job.id)) or not look(now):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {now} {ledger.events(job.id)}"
        time.sleep(0.05)
    return now


def answers(url: str) -> bool:
    """Whether a GET is answered, and by 200."""
    try:
        return httpx.get(url, trust_env=False, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
