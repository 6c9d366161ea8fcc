"""DailyBackups: orders a quiet backup of each store every day, at a time of its own in the night."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from provisioner.domain.backup import Reason
from provisioner.domain.errors import StorewrightError
from provisioner.domain.store import Store
from provisioner.operations.backup import BACKUP
from provisioner.orders import Orders
from provisioner.runner.nights import key_of, order_quietly, take_turns

WHAT = "daily backup"
log = logging.getLogger(__name__)


class DailyBackups:
    """A store's turn comes once a day. A turn that the bot missed is taken as soon as the bot runs again."""

    def __init__(self, orders: Orders, has_backups: Callable[[Store], bool], hour: int) -> None:
        """`hour` (UTC) is when the first turns come. `has_backups` says whether a store's release knows backups."""
        self._orders, self._has_backups, self._hour = orders, has_backups, hour
        self._without: dict[str, str] = {}  # by store: the delivery key of its last turn, if it had no CronJob then

    def order_due(self) -> None:
        """Order the backups of stores whose turn has come, as long as few are at work."""
        take_turns(self._orders, self._hour, self._order)

    def _order(self, store: Store, turn: datetime, now: datetime) -> bool:
        """Whether the backup is ordered."""
        key = key_of(WHAT, store, turn)
        if self._without.get(store.id) == key or self._orders.ledger.jobs.delivered(key):
            return False
        try:
            if self._has_backups(store):
                return order_quietly(self._orders, WHAT, BACKUP, store, turn, {"reason": Reason.DAILY}, "")
            self._without[store.id] = key
        except StorewrightError as error:
            log.warning("%s of %s not ordered: %s", WHAT, store.name, error)
        return False
