"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import httpx

from provisioner.domain.job import Job
from provisioner.ledger.ledger import Ledger

T = TypeVar("T")


def until(what: str, holds: Callable[[], T | None], seconds: float = 60) -> T:
    """The result of `holds` once it is true; fails after `seconds`, with `what` and the last result."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what} (last: {found!r})"
        time.sleep(0.05)
    return found


def until_job(ledger: Ledger, job: Job, look: Callable[[Job], bool], seconds: float = 30) -> Job:
    """The job once `look` is true for it; fails after `seconds`, with the job's events."""
    deadline = time.monotonic() + seconds
    while not (now := ledger.jobs.get(job.id)) or not look(now):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {now} {ledger.jobs.events(job.id)}"
        time.sleep(0.05)
    return now


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        return httpx.get(url, trust_env=False, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
