"""DailyBackups: orders a quiet backup of each store every day, at a time of its own in the night."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from provisioner.domain.backup import Reason
from provisioner.domain.errors import Refused, StorewrightError
from provisioner.domain.policy import SCHEDULE, Actor
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.operations.backup import BACKUP
from provisioner.orders import OrderContext, Orders

SPREAD = timedelta(hours=4)  # in which all stores have their turn
AT_ONCE = 2  # daily backups that are queued or running
log = logging.getLogger(__name__)


def ready_in_turn(ledger: Ledger, now: datetime, hour: int) -> list[tuple[datetime, Store]]:
    """The stores that were ready before their newest turn that has come, each with it, in the order of the turns."""
    ready = [store for store in ledger.stores.all() if store.status == StoreStatus.READY]
    turns = sorted(((turn_of(store, now, hour), store) for store in ready), key=lambda turn: turn[0])
    return [(turn, store) for turn, store in turns if (store.ready_at or 0.0) < turn.timestamp()]


def turn_of(store: Store, now: datetime, hour: int) -> datetime:
    """The newest turn of the store that has come. The first turns of a night come at this hour (UTC)."""
    number = int.from_bytes(hashlib.sha256(store.id.encode()).digest()[:8])
    first = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    turn = first + SPREAD * (number / 2**64)
    return turn if turn <= now else turn - timedelta(days=1)


class DailyBackups:
    """A store's turn comes once a day. A turn that the bot missed is taken as soon as the bot runs again."""

    def __init__(self, orders: Orders, has_backups: Callable[[Store], bool], hour: int) -> None:
        """`hour` (UTC) is when the first turns come. `has_backups` says whether a store's release knows backups."""
        self._orders, self._has_backups, self._hour = orders, has_backups, hour
        self._without: dict[str, str] = {}  # by store: the delivery key of its last turn, if it had no CronJob then

    def order_due(self) -> None:
        """Order the backups of stores whose turn has come, as long as few are at work."""
        jobs = self._orders.ledger.jobs
        now = datetime.fromtimestamp(self._orders.ledger.clock(), UTC)
        room = AT_ONCE - jobs.quiet_at_work()
        for turn, store in ready_in_turn(self._orders.ledger, now, self._hour):
            if room <= 0:
                return
            key = f"daily backup {store.id} {turn:%Y-%m-%d}"
            if self._without.get(store.id) != key and not jobs.delivered(key):
                room -= self._order(store, key)

    def _order(self, store: Store, key: str) -> bool:
        """Whether the backup is ordered."""
        try:
            if not self._has_backups(store):
                self._without[store.id] = key
                return False
            context = OrderContext(Actor(SCHEDULE, is_admin=True), "", key, quiet=True)
            self._orders.place(context, BACKUP, store.id, {"reason": Reason.DAILY})
            return True
        except Refused as reason:  # it is busy: the next look may find it idle
            log.info("daily backup of %s waits: %s", store.name, reason)
        except StorewrightError as error:
            log.warning("daily backup of %s not ordered: %s", store.name, error)
        return False
