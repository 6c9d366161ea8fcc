"""Rows of the ledger's tables as records of the domain."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from provisioner.domain.errors import Problem
from provisioner.domain.job import EventKind, Job, JobEvent, JobPhase, JobStatus
from provisioner.domain.store import Store, StoreStatus

Row = dict[str, Any]


def store_of(row: Row) -> Store:
    """A row of `stores`."""
    return Store(**{**row, "status": StoreStatus(row["status"]), "options": json.loads(row["options"])})


def job_of(row: Row) -> Job:
    """A row of `jobs`."""
    problem = Problem(**json.loads(row["problem"])) if row["problem"] else None
    parsed = {"problem": problem, "arguments": json.loads(row["arguments"]), "quiet": bool(row["quiet"])}
    return replace(Job(**{**row, **parsed}), status=JobStatus(row["status"]), phase=JobPhase(row["phase"]))


def event_of(row: Row) -> JobEvent:
    """A row of `job_events`."""
    return JobEvent(**{**row, "kind": EventKind(row["kind"])})


def problem_json(problem: Problem | None) -> str | None:
    """The value of `jobs.problem`."""
    return json.dumps(asdict(problem)) if problem else None
