"""The work of the night: each store's turn comes at a time of its own, and few quiet jobs are at work at once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from provisioner.domain.errors import Refused
from provisioner.domain.policy import SCHEDULE, Actor
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.operations.spec import Operation
from provisioner.orders import OrderContext, Orders

SPREAD = timedelta(hours=4)  # in which all stores have their turn
AT_ONCE = 2  # quiet jobs that are queued or running
log = logging.getLogger(__name__)


def take_turns(orders: Orders, hour: int, take: Callable[[Store, datetime, datetime], bool]) -> None:
    """Call `take` with each store, its turn and the time now, as long as few quiet jobs are at work.

    It says whether it ordered one. The first turns of a night come at this hour (UTC)."""
    now = datetime.fromtimestamp(orders.ledger.clock(), UTC)
    room = AT_ONCE - orders.ledger.jobs.quiet_at_work()
    for turn, store in _ready_in_turn(orders.ledger, now, hour):
        if room <= 0:
            return
        room -= take(store, turn, now)


def key_of(what: str, store: Store, turn: datetime) -> str:
    """The delivery key of the order for this turn."""
    return f"{what} {store.id} {turn:%Y-%m-%d}"


def order_quietly(
    orders: Orders,
    what: str,
    operation: Operation,
    store: Store,
    turn: datetime,
    arguments: dict[str, str],
    origin: str,
) -> bool:
    """Order a quiet job, called `what` in the log; whether it is ordered. A failure is posted to the `origin`, too."""
    context = OrderContext(Actor(SCHEDULE, is_admin=True), origin, key_of(what, store, turn), quiet=True)
    try:
        orders.place(context, operation, store.id, arguments)
        return True
    except Refused as reason:  # it is busy: the next look may find it free
        log.info("%s of %s waits: %s", what, store.name, reason)
        return False


def turn_of(store: Store, now: datetime, hour: int) -> datetime:
    """The newest turn of the store that has come. The first turns of a night come at this hour (UTC)."""
    number = int.from_bytes(hashlib.sha256(store.id.encode()).digest()[:8])
    first = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    turn = first + SPREAD * (number / 2**64)
    return turn if turn <= now else turn - timedelta(days=1)


def _ready_in_turn(ledger: Ledger, now: datetime, hour: int) -> list[tuple[datetime, Store]]:
    """The stores that were ready before their newest turn that has come, each with it, in the order of the turns."""
    ready = [store for store in ledger.stores.all() if store.status == StoreStatus.READY]
    turns = sorted(((turn_of(store, now, hour), store) for store in ready), key=lambda turn: turn[0])
    return [(turn, store) for turn, store in turns if (store.ready_at or 0.0) < turn.timestamp()]
