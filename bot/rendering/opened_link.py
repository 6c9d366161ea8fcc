"""OpenedLink: a one-time link that somebody used, as its receipt shows it."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.ledger.links import OneTimeLink


@dataclass(frozen=True)
class OpenedLink:
    """`may_reset`: a new password can be the answer to it. `reset` is the job that was ordered because of it."""

    store: Store
    link: OneTimeLink
    may_reset: bool = False
    reset: Job | None = None
