"""Backup: one backup of a store, as the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Backup:
    """`id` is the id of restic's snapshot. `made_at` is when it began (epoch seconds), `reason` says why it was made.

    `version` is the chart version that the store ran, `served` says whether its shop answered. `bytes` is the size of
    what it holds, `added_bytes` what it took on the server. `counts` says how many orders, products and customers it
    holds, in the words of the chart."""

    id: str
    store_id: str
    job_id: str
    made_at: float
    reason: str
    version: str
    bytes: int
    added_bytes: int
    served: bool
    counts: dict[str, int] = field(default_factory=dict)
