"""Backup: one backup of a store, as the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Reason(StrEnum):
    """Why a backup was made. The daily removal of old backups treats each in its way: files/retention.sh."""

    DAILY = "daily"
    ORDERED = "ordered"
    BEFORE_RESTORE = "before a restore"
    BEFORE_UPGRADE = "before an upgrade"
    BEFORE_ROLLBACK = "before a rollback"
    AFTER_FAILED_UPGRADE = "after a failed upgrade"  # the data that the rollback replaced
    BEFORE_PAUSE = "before a pause"
    BEFORE_DELETION = "before a deletion"
    FOR_CLONE = "for a clone"
    IMPORTED = "imported"


@dataclass(frozen=True)
class Backup:
    """`id` is the id of restic's snapshot. `made_at` is when it began (epoch seconds), `reason` says why it was made.

    `version` is the chart version that the store ran, `served` says whether its shop answered. `bytes` is the size of
    what it holds, `added_bytes` what it took on the server. `counts` says how many orders, products and customers it
    holds, in the words of the chart. `proven_at` is when a working copy of the store was made from it."""

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
    proven_at: float | None = None

    @property
    def contents(self) -> list[str]:
        """What it holds, as people read it: “12 orders”, “40 products”."""
        return [f"{number} {thing}" for thing, number in self.counts.items()]
