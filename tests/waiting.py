"""Waiting for a condition, with a timeout."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import httpx

from dev import local_http
from provisioner.domain.job import Job
from provisioner.ledger.ledger import Ledger

T = TypeVar("T")
# Slack waits 3 s for an ack. Where a test is about something else, a busy machine may take longer.
PATIENT_ACK_SECONDS = 8.0


def until(what: str, condition: Callable[[], T | None], seconds: float = 120) -> T:
    """The result of `condition` once it is true.

    Fails after `seconds` with `what` and the last result."""
    began = started = time.monotonic()
    while not (result := condition()):
        now = time.monotonic()
        assert now < began + seconds, f"not within {seconds:.0f} s: {what} (last: {result!r})"
        time.sleep(max(_pause(began), now - started))  # a slow condition, such as kubectl, takes half of the time
        started = time.monotonic()
    return result


def until_job(ledger: Ledger, job: Job, condition: Callable[[Job], bool], seconds: float = 30) -> Job:
    """The job from the ledger once `condition` is true for it.

    Fails after `seconds` with the job's events."""
    began = time.monotonic()
    while not (current := ledger.jobs.get(job.id)) or not condition(current):
        assert time.monotonic() < began + seconds, f"not within {seconds:.0f} s: {current} {ledger.jobs.events(job.id)}"
        time.sleep(_pause(began))
    return current


def _pause(began: float) -> float:
    """Seconds until the next look: more after a longer wait, so that waiting costs little processor time."""
    return min(0.5, max(0.05, (time.monotonic() - began) / 20))


def answers(url: str) -> bool:
    """True if a GET of `url` is answered with status 200."""
    try:
        return local_http.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
