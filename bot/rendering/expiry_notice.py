"""ExpiryNotice: what a notice of a store's end shows."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.domain.expiry import FAREWELL
from provisioner.domain.store import Store


@dataclass(frozen=True)
class ExpiryNotice:
    """The notice with this `number`, of an `end` (epoch seconds) that the store had when it was due.

    It is `current` unless the store got another end since, or was deleted. The store sleeps `at`, or after that is
    deleted `at` (epoch seconds), which is `left` seconds from now. With `kept`, it can be undeleted then. With
    `may_keep`, anybody may let it live for good."""

    store: Store
    number: int
    end: float
    current: bool
    at: float
    left: float
    kept: bool
    may_keep: bool

    @property
    def over(self) -> bool:
        """Whether the store's time is over, and it sleeps."""
        return self.number >= FAREWELL
