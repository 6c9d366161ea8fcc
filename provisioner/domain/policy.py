"""Who may do what with a store. The only place that decides it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from provisioner.domain.errors import NotAllowed
from provisioner.domain.store import Store

SCHEDULE = "schedule"  # the id of who orders what nobody has to ask for
VISITOR = "visitor"  # the id of who opens the address of a sleeping store
EXPIRY = "expiry"  # the id of who ends a store whose time is over
IDLE = "idle"  # the id of who puts a store to sleep that no shopper visits


class Right(Enum):
    """The right that a verb needs."""

    ANYONE = auto()
    MANAGE = auto()  # the store's owner and admins


@dataclass(frozen=True)
class Actor:
    """The person behind a request: `id` is a Slack user's, "terminal" for an operator at a terminal, SCHEDULE,
    VISITOR, EXPIRY or IDLE."""

    id: str
    is_admin: bool = False

    def may(self, right: Right, store: Store) -> bool:
        """Whether the person has this right on the store."""
        return right is Right.ANYONE or self.is_admin or self.id == store.owner

    def require(self, right: Right, store: Store) -> None:
        """Raises NotAllowed."""
        if not self.may(right, store):
            raise NotAllowed(store.name, store.owner)
