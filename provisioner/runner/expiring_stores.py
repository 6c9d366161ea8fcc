"""ExpiringStores: notices before a store's end, then its sleep, and days later its deletion."""

from __future__ import annotations

import logging

from provisioner.domain.errors import Refused
from provisioner.domain.expiry import FAREWELL, Expiry
from provisioner.domain.policy import EXPIRY, Actor
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.outbox import NOTICES, notice_subject
from provisioner.operations.delete import DELETE
from provisioner.operations.pause import PAUSE
from provisioner.operations.spec import Operation
from provisioner.orders import OrderContext, Orders

RETRY_SECONDS = 86_400.0  # after a job that failed, before the next one is ordered
log = logging.getLogger(__name__)


class ExpiringStores:
    """Only what was delivered counts: a store whose owner was not reached lives on."""

    def __init__(self, orders: Orders) -> None:
        self._orders, self._ledger = orders, orders.ledger

    def go_on(self) -> None:
        """Order the next thing of each store whose time has come for it."""
        for store in self._ledger.stores.expiring():
            if store.expiry and not store.ending and store.status != StoreStatus.CREATING:
                self._go_on(store, store.expiry)

    def _go_on(self, store: Store, expiry: Expiry) -> None:
        now = self._ledger.clock()
        number = expiry.due_notice(now)
        if number is not None:
            self._give_notice(store, number)
        elif expiry.noticed > FAREWELL:
            if now >= expiry.noticed_at + self._orders.expiry.sleep:
                self._order(store, DELETE, store.origin, quiet=False)
        elif expiry.ends(now):
            if store.status == StoreStatus.READY:
                self._order(store, PAUSE, store.reader, quiet=True)
            elif not self._ledger.jobs.live(store.id):
                self._give_notice(store, FAREWELL)

    def _give_notice(self, store: Store, number: int) -> None:
        """Once: the notifier sends it until it is delivered, and records that."""
        subject = notice_subject(store, number)
        with self._ledger.transaction():
            for kind in NOTICES:
                if not self._ledger.outbox.get(kind, subject):
                    self._ledger.outbox.put(kind, subject)

    def _order(self, store: Store, operation: Operation, origin: str, *, quiet: bool) -> None:
        last = self._ledger.jobs.last(store.id)
        if last and last.failed_since(operation.kind, self._ledger.clock() - RETRY_SECONDS):
            return
        key = f"expiry {store.id} {operation.kind} {last.id if last else ''}"
        context = OrderContext(Actor(EXPIRY, is_admin=True), origin, key, quiet=quiet)
        try:
            self._orders.place(context, operation, store.id)
        except Refused as reason:  # it is busy: the next look may find it free
            log.info("%s of %s waits: %s", operation.kind, store.name, reason)
