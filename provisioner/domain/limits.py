"""Limits for one person: how many stores, and how many orders in an hour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from provisioner.domain.errors import LimitReached

HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class Limits:
    """The most stores a person may own, and the most they may order within an hour."""

    stores_per_person: int = 10
    creations_per_hour: int = 20

    def require_room(self, owned: int, ordered_at: Sequence[float], now: float) -> None:
        """Check that one more store is allowed.

        `owned` is the number of stores the person has; `ordered_at` are the times (epoch seconds, oldest first) at
        which they ordered stores within the last hour.

        Raises LimitReached."""
        if owned >= self.stores_per_person:
            raise LimitReached(
                f"You have {owned} stores, and {self.stores_per_person} is the limit for one person.",
                next_step="Delete a store you no longer need (/store list shows them).",
            )
        if len(ordered_at) >= self.creations_per_hour:
            free_at = ordered_at[len(ordered_at) - self.creations_per_hour] + HOUR_SECONDS
            minutes = max(1, math.ceil((free_at - now) / 60))
            raise LimitReached(
                f"You ordered {len(ordered_at)} stores within the last hour, and {self.creations_per_hour} is the"
                " limit.",
                next_step=f"You can order the next one in {minutes} min.",
                free_at=free_at,
            )
