"""A Lease in the cluster: of the bots of one instance, one at a time works; the others wait until it is free.

As client-go's leader election has it (k8s.io/client-go/tools/leaderelection): a lease is free when its holder let go of
it, or when it has not been seen to change for as long as it lasts. Only our own monotonic clock counts, since clocks
differ between machines, and of two who take it at once the resourceVersion lets one through. (The Python client's own
leader election goes by the wall clock, can't be stopped and dies of a broken connection.)"""

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
    """In seconds, as in client-go: a holder that could not renew within `renew_deadline` stops work, and has the
    rest of `duration` to do so before another bot may take the lease."""

    duration: int = 20
    renew_deadline: float = 12.0
    renew: float = 5.0
    retry: float = 1.0  # between attempts of who waits, or could not renew


class NotHeld(Transient):
    """The lease is not ours, or nobody can say whose it is."""


class HeldByAnother(NotHeld):
    """Another bot works."""


class Lease:
    """One lease, to be held by `identity`, which no other living process may have. Thread-safe.

    `everywhere`: leases of that name in other namespaces count as well, where we may list them. Who works from outside
    the cluster can't know which namespace is that of a bot within."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        identity: str,
        timings: LeaseTimings = LeaseTimings(),
        *,
        everywhere: bool = False,
    ) -> None:
        self._cluster, self._namespace, self._name, self._identity = cluster, namespace, name, identity
        self._timings, self._everywhere = timings, everywhere
        self.on_change: Callable[[], None] = lambda: None  # called after it was won, lost, or seen with another
        self._held_until = float("-inf")  # by the monotonic clock, as all times here
        self._obstacle: NotHeld | None = None
        self._seen: dict[str, tuple[str, float]] = {}  # by namespace: resourceVersion, and since when we know that one
        self._tried = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def start(self) -> None:
        """Try to get it, again and again; once it is ours, keep it."""
        self._thread.start()

    def stop(self) -> None:
        """Renew it no more."""
        self._stopping.set()
        self._thread.join()
        self._held_until = float("-inf")

    def release(self) -> None:
        """Give it back, so that whoever waits has it at once. For when no work goes on here any more."""
        self.stop()
        try:
            found = self._cluster.lease(self._namespace, self._name)
            if found and found["spec"].get("holderIdentity") == self._identity:
                self._cluster.replace_lease({**found, "spec": {**found["spec"], "holderIdentity": None}})
        except StorewrightError as error:
            log.warning("the lease could not be given back and has to run out: %s", error)

    # --- what others ask ------------------------------------------------------------------------------------------

    def held(self) -> bool:
        """Whether we may work now."""
        return time.monotonic() < self._held_until

    def require(self) -> None:
        """Raises HandedOver where we may not work (any more)."""
        if not self.held():
            raise HandedOver(self._name)

    def check(self) -> None:
        """Raises NotHeld, in words for a person, where we may not work (yet, or any more)."""
        if not self.held():
            raise self._obstacle or NotHeld(f"The lease {self._name} is not ours yet.")

    @property
    def another(self) -> HeldByAnother | None:
        """Who has it, where that is another."""
        return self._obstacle if isinstance(self._obstacle, HeldByAnother) else None

    def acquire(self, within: float) -> None:
        """Until it is ours, or nobody can say whose it is: no other bot is known to work then.

        Raises HeldByAnother where another still has it after `within` seconds."""

        def is_settled() -> bool:
            return self.held() or (self._obstacle is not None and not self.another)

        with self._tried:
            while not self._tried.wait_for(is_settled, within):
                if other := self.another:
                    raise other

    # --- keeping it -----------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        while not self._stopping.is_set():
            before = self.held(), type(self._obstacle)
            renewed = self._try()
            if before != (self.held(), type(self._obstacle)):
                log.warning("the lease %s is %s", self._name, "ours" if self.held() else f"not ours: {self._obstacle}")
                self.on_change()
            with self._tried:
                self._tried.notify_all()
            self._stopping.wait(self._timings.renew if renewed else self._timings.retry)

    def _try(self) -> bool:
        """Get or renew it; whether it is ours now."""
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
            return False  # somebody was faster; who, the next look tells
        except Exception as error:  # noqa: BLE001  (a thread that died here would be a bot that never works again)
            self._obstacle = self._out_of_reach(error)
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
        lasts = lease["spec"].get("leaseDurationSeconds") or self._timings.duration
        return bool(holder and holder != self._identity and time.monotonic() < since + lasts)

    def _out_of_reach(self, error: Exception) -> NotHeld:
        waits = f"Work waits for the lease {self._namespace}/{self._name}."
        if isinstance(error, StorewrightError):
            return NotHeld(error.problem.what, error.problem.cause, waits)
        return NotHeld("The lease can't be had.", f"{type(error).__name__}: {error}", waits)

    def _held_by(self, lease: Object) -> HeldByAnother:
        holder, where = lease["spec"]["holderIdentity"], lease["metadata"]["namespace"]
        what = f"Another bot ({holder}) works under this name: it has the lease {where}/{self._name}."
        return HeldByAnother(what, "", "This one waits until that one is gone.")

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
