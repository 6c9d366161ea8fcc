"""The retry policy of jobs: how long to wait, and when to give up."""

from __future__ import annotations

import random

from provisioner.domain.errors import Problem
from provisioner.domain.job import Job, JobPhase

LONGEST_PAUSE_SECONDS = 60.0
MAX_INTERRUPTIONS = 10  # processes that may end without a word while they run the same job


def pause_seconds(attempt: int) -> float:
    """Seconds before the next attempt: exponential, with jitter so that jobs do not retry in step."""
    return float(min(LONGEST_PAUSE_SECONDS, 2.0**attempt) * random.uniform(0.5, 1.0))  # noqa: S311  (no secret)


def given_up(job: Job, problem: Problem) -> Problem:
    """The problem of a job whose deadline leaves no time for another attempt."""
    what = f"{problem.what} ({job.attempts} attempts)"
    return Problem(what, problem.cause, problem.next_step or "Fix the cause, then retry.")


def too_many_interruptions(job: Job) -> Problem | None:
    """The problem of a job whose processes ended again and again, or None. Its rollback gets as many again."""
    allowed = MAX_INTERRUPTIONS * (2 if job.phase == JobPhase.ROLLBACK else 1)
    if job.interruptions <= allowed:
        return None
    return Problem(
        f"The bot ended {job.interruptions} times while it worked on {job.store}.",
        "The job may need more memory than the bot's pod has.",
        f"Look at the bot's log for job {job.id} and at its pod's events, then retry.",
    )
