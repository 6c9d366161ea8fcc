"""Leader election: one bot of an instance works, the others wait.

A waiting bot serves its health endpoints, says in /readyz what it waits for, and takes nothing from Slack. So does a
bot that can't open its ledger: an operator can then restore a backup in its pod, and the bot goes on with that.

The ledger's lock separates processes of one machine; the Lease separates machines and ledgers.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from bot.builders import ACQUIRE_SECONDS, build_lease
from bot.observability.metrics import Metrics
from bot.observability.readiness import Readiness
from bot.settings import Settings
from bot.web.http_server import serve_in_background
from bot.web.ops_endpoints import Ops, build_ops
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.clock import SteadyClock
from provisioner.domain.errors import StorewrightError
from provisioner.ledger.backup import BackupFailed, BackupUnusable
from provisioner.ledger.ledger import Ledger, LedgerInUse, LedgerNotUsable
from provisioner.runner.lease import HeldByAnother, Lease

T = TypeVar("T")
log = logging.getLogger(__name__)

LEDGER_FREE_SECONDS = 3.0  # for a process that is ending to close the ledger
RETRY_SECONDS = 2.0  # from the start of one attempt to the start of the next
OBSTACLES = (LedgerInUse, LedgerNotUsable, BackupFailed, BackupUnusable, HeldByAnother)


class LeadershipLost(StorewrightError):
    """Another bot has acquired the lease that this bot held."""


@contextmanager
def as_leader(settings: Settings, cluster: Cluster) -> Iterator[tuple[Ledger, Lease]]:
    """The open ledger and the lease, once no other bot works.

    Both are released at the end. Where the cluster can't be reached, no other bot is known to work: the bot takes
    orders, and works on them once it holds the lease. If another bot acquires the lease, this process gets a SIGTERM.
    Raises LeadershipLost where that happened.
    """
    ledger = _when_free(settings, "ledger", lambda: _open_ledger(settings))
    takeover = TakeoverSignal()
    lease = build_lease(settings, cluster, ledger, on_change=takeover)
    lease.start()
    try:
        _when_free(settings, "lease", lambda: lease.acquire(ACQUIRE_SECONDS))
        takeover.arm(lease)
        with suppress(SystemExit):  # a signal's: what follows is the same wherever it came
            yield ledger, lease
        if other := lease.another:
            raise LeadershipLost(other.problem.what, "", "This bot ends; started again, it waits for the lease.")
    finally:
        try:
            lease.release()
        finally:  # not before: the next process with the ledger's lock has our identity, and we would release its lease
            ledger.close()


class TakeoverSignal:
    """Sends this process a SIGTERM when another bot acquires its lease.

    It is a lease's `on_change`. Two bots must not answer in Slack. The signal is sent at most once: a second one would
    disturb the shutdown.
    """

    def __init__(self) -> None:
        self._armed = False
        self._lock = threading.Lock()

    def arm(self, lease: Lease) -> None:
        """Start to react, now that this bot works.

        Before, another holder is normal: this bot waits for it.
        """
        with self._lock:
            self._armed = True
        self(lease)

    def __call__(self, lease: Lease) -> None:
        with self._lock:
            taken_over, self._armed = self._armed and lease.another is not None, self._armed and lease.another is None
        if taken_over:
            os.kill(os.getpid(), signal.SIGTERM)


def _open_ledger(settings: Settings) -> Ledger:
    return Ledger.exclusive(
        settings.ledger_path, SteadyClock(), backups=settings.backups(), wait_seconds=LEDGER_FREE_SECONDS
    )


def _when_free(settings: Settings, part: str, attempt: Callable[[], T]) -> T:
    """Call `attempt` until it raises none of OBSTACLES, and return its result.

    Meanwhile the health endpoints are served, and /readyz gives the reason under the name `part`.
    """
    try:
        return attempt()
    except OBSTACLES as error:
        reason: StorewrightError = error

    def why() -> None:
        raise reason

    log.warning("this bot waits: %s", reason)
    close = _serve_health(settings, Readiness({part: why}))
    try:
        while True:
            until = time.monotonic() + RETRY_SECONDS
            try:
                return attempt()
            except OBSTACLES as error:
                reason = error
            time.sleep(max(0, until - time.monotonic()))
    finally:
        close()


def _serve_health(settings: Settings, readiness: Readiness) -> Callable[[], None]:
    """Serve the health endpoints; the returned function stops that."""
    metrics = Metrics()
    metrics.add_readiness(readiness)
    readiness.report()  # for a scrape that comes before the first request of /readyz
    return serve_in_background(
        build_ops(Ops(lambda: "", readiness, metrics.registry)), settings.ops_listen or settings.listen
    )
