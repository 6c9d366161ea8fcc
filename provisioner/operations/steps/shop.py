"""The steps that close and open a shop: they stop and start all that may write to its database and its uploads."""

from __future__ import annotations

from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.steps.readiness import DATABASE, RolloutMonitor, monitoring
from provisioner.operations.toolbox import Toolbox

UNUSED_SECONDS = 1  # that pods get to end which nobody has used


def close_shop(
    tools: Toolbox, job: Job, store: Store, secret: dict[str, str], *, grace_seconds: int | None = None
) -> None:
    """Stop everything but the database. Confirmed orders are in the database then.

    With `grace_seconds`, pods are killed after so long: one that still starts may miss the signal to end.

    Raises JobFailed, Transient, Superseded or HandedOver."""
    with monitoring(tools, job, store, secret, tools.ledger.clock()) as monitor:
        for component in _writers(monitor):
            tools.cluster.stop_component(store.namespace, component)
            monitor.await_gone(component, grace_seconds)


def open_shop(tools: Toolbox, job: Job, store: Store, secret: dict[str, str]) -> None:
    """Undo `close_shop`, and wait until all pods are ready. Raises JobFailed, Transient, Superseded or HandedOver."""
    with monitoring(tools, job, store, secret, tools.ledger.clock()) as monitor:
        for component in _writers(monitor):
            tools.cluster.start_component(store.namespace, component)
            monitor.await_ready(component)


def _writers(monitor: RolloutMonitor) -> list[str]:
    return [component for component in monitor.components() if component != DATABASE]
