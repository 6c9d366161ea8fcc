"""IdleStores: puts stores to sleep that no shopper visits."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import Refused, StorewrightError
from provisioner.domain.policy import IDLE, SCHEDULE, Actor
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.outbox import OutboxKind
from provisioner.operations.pause import PAUSE
from provisioner.orders import OrderContext, Orders
from provisioner.runner.nights import AT_ONCE
from provisioner.visit_log import SeenVisits, read_visits

LOOKS_AT_ONCE = 20  # stores in one run
LOOK_SECONDS = 3600.0  # between two looks at a store, at most
LOOKS_IN_IDLE_TIME = 4  # and at least so many
UNREAD_SECONDS = 300.0  # after a log that could not be read, before the next look
RETRY_SECONDS = 86_400.0  # after a pause that failed, before the next one is ordered
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """A look at a store's visits at the time `at`: certainly no shopper came since `quiet_since` (epoch seconds)."""

    at: float
    quiet_since: float
    pods: frozenset[str] = frozenset()


class IdleStores:
    """Counts only certain time: where visits may have been missed, a store's idle time starts again."""

    def __init__(self, orders: Orders, cluster: Cluster) -> None:
        self._orders, self._ledger, self._cluster = orders, orders.ledger, cluster
        self._looks: dict[str, Look] = {}  # the last one, by store id
        self._unread: dict[str, float] = {}  # when to read again what could not be read, by store id

    def go_on(self) -> None:
        """Look at the stores whose turn has come, and order the pause of those that are idle."""
        stores = {store.id: store for store in self._ledger.stores.all() if self._may_sleep(store)}
        for store_id in self._looks.keys() - stores.keys():  # what was known of one that slept is out of date
            del self._looks[store_id]
        now = self._ledger.clock()
        due = [store for store in stores.values() if self._due_at(store) <= now and not self._is_busy(store)]
        for store in sorted(due, key=self._due_at)[:LOOKS_AT_ONCE]:
            self._look_at(store)

    def _may_sleep(self, store: Store) -> bool:
        """Whether its visits count. One that is not ready, or whose time is over, has other rules."""
        over = store.expiry and store.expiry.is_over(self._ledger.clock())
        store_type = self._orders.catalog.types.get(store.type)
        counted = bool(store_type and store_type.counts_visits)
        return store.status == StoreStatus.READY and counted and not over and self._after(store) > 0

    def _after(self, store: Store) -> float:
        """Its idle time in seconds; 0 for never."""
        return self._orders.idle.of(store) or 0.0

    def _due_at(self, store: Store) -> float:
        """When to look at the store next (epoch seconds). Its idle time may have changed since the last look."""
        if store.id in self._unread:
            return self._unread[store.id]
        if not (look := self._looks.get(store.id)):
            return 0.0
        after = self._after(store)
        left = max(0.0, look.quiet_since + after - look.at)
        return look.at + min(left, LOOK_SECONDS, after / LOOKS_IN_IDLE_TIME)

    def _is_busy(self, store: Store) -> bool:
        """Whether a job is at work on the store, or a pause of it has failed lately."""
        last = self._ledger.jobs.last(store.id)
        return bool(last and (last.live or last.failed_since(PAUSE.kind, self._ledger.clock() - RETRY_SECONDS)))

    def _look_at(self, store: Store) -> None:
        now = self._ledger.clock()
        try:
            seen = read_visits(self._cluster, store, now)
        except StorewrightError as error:
            log.warning("visits of %s not read: %s", store.name, error)
            self._unread[store.id] = now + UNREAD_SECONDS
            return
        self._unread.pop(store.id, None)
        if seen.last and seen.last > (store.visited_at or 0.0):
            self._ledger.stores.note_visit(store.id, min(seen.last, now))
        look = self._looks[store.id] = self._looked(store, seen, now)
        if now >= look.quiet_since + self._after(store):
            self._pause(store)

    def _looked(self, store: Store, seen: SeenVisits, now: float) -> Look:
        former = self._looks.get(store.id)
        stirred = max(
            store.ready_at or store.created_at, self._ledger.jobs.last_stir(store.id, but_by=(SCHEDULE, IDLE))
        )
        quiet_since = max(stirred, store.visited_at or 0.0, seen.last or 0.0, former.quiet_since if former else 0.0)
        if seen.known_since > max(quiet_since, former.at if former else 0.0):
            quiet_since = seen.known_since
        if former and former.pods - seen.pods:  # a pod is gone, and with it the log of its last visits
            quiet_since = now
        return Look(now, quiet_since, seen.pods)

    def _pause(self, store: Store) -> None:
        if self._ledger.jobs.quiet_at_work() >= AT_ONCE:
            return
        last = self._ledger.jobs.last(store.id)
        key = f"{IDLE} {store.id} {last.id if last else ''}"
        context = OrderContext(Actor(IDLE, is_admin=True), store.reader, key, quiet=True)
        try:
            with self._ledger.transaction():
                job = self._orders.place(context, PAUSE, store.id, {IDLE: str(self._after(store))})
                self._ledger.outbox.put(OutboxKind.SLEEP, job.id)
        except Refused as reason:  # it is busy: the next look may find it free
            log.info("pause of %s waits: %s", store.name, reason)
