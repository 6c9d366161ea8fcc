"""A Kubernetes Lease, by which one bot of an instance works.

The rules are those of client-go's leader election (k8s.io/client-go/tools/leaderelection). A lease is free once its
holder gives it up, or once it has not changed for its whole duration. Only this process's monotonic clock counts,
because clocks differ between machines. Where two bots write the lease at once, the resourceVersion lets one succeed.
(The Python client's own leader election uses the wall clock, can't be stopped, and ends at the first broken
connection.)
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from provisioner.clients.kubernetes.cluster import Cluster, Conflict, Forbidden, Object
from provisioner.domain.errors import HandedOver, StorewrightError, Transient

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LeaseTimings:
    """The times of a lease in seconds, named as in client-go.

    A holder that has not renewed within `renew_deadline` stops its work, and has the rest of `duration` to do so
    before another bot may take the lease. `retry` is the pause between attempts to acquire it, and after a failed
    renewal.
    """

    duration: int = 20
    renew_deadline: float = 12.0
    renew: float = 5.0
    retry: float = 1.0


class NotHeld(Transient):
    """This bot does not hold the lease, or the holder is unknown."""


class HeldByAnother(NotHeld):
    """Another bot holds the lease."""


class Lease:
    """One lease, acquired and renewed by a thread. Thread-safe."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        identity: str,
        timings: LeaseTimings = LeaseTimings(),
        *,
        everywhere: bool = False,
        on_change: Callable[[Lease], None] = lambda lease: None,
    ) -> None:
        """`identity` is the holder's name; no other living process may have it.

        `everywhere`: leases of that name in other namespaces count too, where they may be listed. A process outside
        the cluster does not know the namespace of a bot inside it.
        `on_change` is called after the lease was acquired, lost, or seen with another holder.
        """
        self._cluster, self._namespace, self._name, self._identity = cluster, namespace, name, identity
        self._timings, self._everywhere, self._on_change = timings, everywhere, on_change
        self._held_until = float("-inf")  # by the monotonic clock, as all times here
        self._obstacle: NotHeld | None = None
        self._seen: dict[str, tuple[str, float]] = {}  # by namespace: resourceVersion, and when we first saw it
        self._tried = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def start(self) -> None:
        """Try to acquire the lease until it is held, then renew it."""
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing; the lease expires."""
        self._stopping.set()
        self._thread.join()
        self._held_until = float("-inf")

    def release(self) -> None:
        """Stop, and release the lease.

        A waiting bot acquires it at once. Call this when no work is left.
        """
        self.stop()
        try:
            found = self._cluster.lease(self._namespace, self._name)
            if found and found["spec"].get("holderIdentity") == self._identity:
                self._cluster.replace_lease({**found, "spec": {**found["spec"], "holderIdentity": None}})
        except StorewrightError as error:
            log.warning("could not release the lease; it expires in %d s: %s", self._timings.duration, error)

    # --- questions ----------------------------------------------------------------------------------------------------

    def held(self) -> bool:
        """Whether this bot may work now."""
        return time.monotonic() < self._held_until

    def require(self) -> None:
        """Raises HandedOver where this bot may not work now."""
        if not self.held():
            raise HandedOver(self._name)

    def check(self) -> None:
        """Raises NotHeld with the reason where this bot may not work now."""
        if not self.held():
            raise self._obstacle or NotHeld(f"This bot does not hold the lease {self._name} yet.")

    @property
    def another(self) -> HeldByAnother | None:
        """The error that names the other holder; None without another holder."""
        return self._obstacle if isinstance(self._obstacle, HeldByAnother) else None

    def acquire(self, within_seconds: float) -> None:
        """Wait until the lease is held or its holder can't be read.

        Raises HeldByAnother where another bot still holds it after `within_seconds`.
        """

        def is_settled() -> bool:
            return self.held() or (self._obstacle is not None and not self.another)

        with self._tried:
            while not self._tried.wait_for(is_settled, within_seconds):
                if other := self.another:
                    raise other

    # --- renewal ------------------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        while not self._stopping.is_set():
            before = self.held(), type(self._obstacle)
            renewed = self._try()
            if before != (self.held(), type(self._obstacle)):
                self._report_change()
            with self._tried:
                self._tried.notify_all()
            self._stopping.wait(self._timings.renew if renewed else self._timings.retry)

    def _report_change(self) -> None:
        if self.held():
            log.warning("acquired the lease %s", self._name)
        else:
            log.warning("the lease %s is not held: %s", self._name, self._obstacle)
        self._on_change(self)

    def _try(self) -> bool:
        """Acquire or renew once; whether the lease is held now."""
        try:
            leases = self._all()
            if theirs := next(filter(self._is_anothers, leases), None):
                self._held_until = float("-inf")
                self._obstacle = self._held_by(theirs)
                return False
            found = next((lease for lease in leases if lease["metadata"]["namespace"] == self._namespace), None)
            asked_at = time.monotonic()
            if found:
                self._cluster.replace_lease({**found, "spec": self._spec(found["spec"])})
            elif not self._cluster.create_lease(self._namespace, self._name, self._spec({})):
                return False
        except Conflict:
            return False  # another bot was faster; the next attempt names it
        except Exception as error:  # noqa: BLE001  (a bot without this thread would never work again)
            self._obstacle = self._unreadable(error)
            return False
        self._held_until, self._obstacle = asked_at + self._timings.renew_deadline, None
        return True

    def _all(self) -> list[Object]:
        if self._everywhere:
            with suppress(Forbidden):
                return self._cluster.leases(self._name)
        found = self._cluster.lease(self._namespace, self._name)
        return [found] if found else []

    def _is_anothers(self, lease: Object) -> bool:
        holder = lease["spec"].get("holderIdentity")
        where, version = str(lease["metadata"]["namespace"]), str(lease["metadata"]["resourceVersion"])
        known, since = self._seen.get(where, ("", 0.0))
        if version != known:
            since = time.monotonic()
            self._seen[where] = version, since
        duration = lease["spec"].get("leaseDurationSeconds") or self._timings.duration
        return bool(holder and holder != self._identity and time.monotonic() < since + duration)

    def _unreadable(self, error: Exception) -> NotHeld:
        waits = f"Work waits for the lease {self._namespace}/{self._name}."
        if isinstance(error, StorewrightError):
            return NotHeld(error.problem.what, error.problem.cause, waits)
        return NotHeld("Could not acquire the lease.", f"{type(error).__name__}: {error}", waits)

    def _held_by(self, lease: Object) -> HeldByAnother:
        holder, where = lease["spec"]["holderIdentity"], lease["metadata"]["namespace"]
        what = f"Another bot ({holder}) holds the lease {where}/{self._name}."
        return HeldByAnother(what, "", "This bot waits until that bot has stopped.")

    def _spec(self, former: Object) -> Object:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        ours = former.get("holderIdentity") == self._identity
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._timings.duration,
            "acquireTime": former.get("acquireTime", now) if ours else now,
            "renewTime": now,
            "leaseTransitions": former.get("leaseTransitions", 0) + (0 if ours else 1),
        }
