"""One bot at a time: who is not to work yet serves its health, says what it waits for, and takes nothing from Slack.

So does who can't open its ledger: an operator restores a backup beside it, in its pod, and it goes on with that.

The ledger's lock tells processes of one machine apart, the Lease tells machines and ledgers apart."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from bot.observability.metrics import Metrics
from bot.observability.readiness import Readiness
from bot.settings import Settings, StoreSettings
from bot.web.http_server import serve_beside
from bot.web.ops_endpoints import Ops, build_ops
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import StorewrightError
from provisioner.ledger.backup import BackupFailed, BackupUnusable
from provisioner.ledger.ledger import Ledger, LedgerInUse, LedgerNotUsable
from provisioner.runner.lease import HeldByAnother, Lease

T = TypeVar("T")
log = logging.getLogger(__name__)

AT_ONCE = 2.0  # seconds for which nobody need be told that we wait
LEDGER_FREE_WITHIN = 3.0  # seconds for a process that is ending to let go of the ledger
RETRY = 2.0  # seconds from one attempt to the next, where it fails at once
OBSTACLES = (LedgerInUse, LedgerNotUsable, BackupFailed, BackupUnusable, HeldByAnother)


class LeadershipLost(StorewrightError):
    """Another bot has the Lease that was ours."""


def home_of(settings: StoreSettings, cluster: Cluster) -> str:
    """The namespace the bot itself is in, or is taken to be."""
    return settings.service_account.split("/")[0] if settings.service_account else cluster.own_namespace


def lease_of(settings: StoreSettings, cluster: Cluster, ledger: Ledger) -> Lease:
    """Who has the ledger's lock may go on with what its last process on this machine held."""
    identity = f"{socket.gethostname()}/{ledger.lock_id}"
    home, everywhere = home_of(settings, cluster), not settings.service_account
    return Lease(cluster, home, f"storewright-{settings.instance}", identity, everywhere=everywhere)


@contextmanager
def as_leader(settings: Settings, cluster: Cluster) -> Iterator[tuple[Ledger, Lease]]:
    """The ledger, once it can be opened, and the Lease, once no other bot is known to have them; given back at the end.

    Where the cluster can't be reached nobody is known to: then orders are taken, and worked on once the Lease is ours.
    Raises LeadershipLost where another bot is found to have it after all."""
    ledger = _when_free(settings, "ledger", lambda: _open_ledger(settings))
    lease = lease_of(settings, cluster, ledger)
    lease.start()
    try:
        _when_free(settings, "lease", lambda: lease.acquire(AT_ONCE))
        yield ledger, lease
        if other := lease.another:
            raise LeadershipLost(other.problem.what, "", "Started again, this one waits.")
    finally:
        try:
            lease.release()
        finally:  # not sooner: who gets the ledger's lock has our identity in the Lease, and we would give back theirs
            ledger.close()


def end_if_taken_over(lease: Lease) -> None:
    """For when the Lease has changed hands: two bots are not to answer in Slack."""
    if lease.another:
        lease.on_change = lambda: None  # a second signal would disturb the end that the first began
        os.kill(os.getpid(), signal.SIGTERM)


def _open_ledger(settings: Settings) -> Ledger:
    where = settings.ledger_path, settings.addresses
    return Ledger(*where, backups=settings.backups(), patience=LEDGER_FREE_WITHIN)


def _when_free(settings: Settings, part: str, attempt: Callable[[], T]) -> T:
    """What `attempt` gives when it raises none of OBSTACLES any more. Meanwhile health is served, and /readyz says by
    the name of that `part` why."""
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
            until = time.monotonic() + RETRY
            try:
                return attempt()
            except OBSTACLES as error:
                reason = error
            time.sleep(max(0, until - time.monotonic()))
    finally:
        close()


def _serve_health(settings: Settings, readiness: Readiness) -> Callable[[], None]:
    """What is returned ends it."""
    metrics = Metrics()
    metrics.watch_readiness(readiness)
    readiness.report()  # for a scrape that comes before anybody asks
    return serve_beside(build_ops(Ops(lambda: "", readiness, metrics.registry)), settings.ops_listen or settings.listen)
