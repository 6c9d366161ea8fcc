"""The steps that put a store to sleep and wake it. Nothing of it runs while it is asleep; its data is kept.

Visits of a sleeping store come to the waker, a page of the bot. The namespace carries a note from the moment at which
nothing changes the data any more until a shopper may change it again."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.clients.kubernetes.cluster import Cluster, Object
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.namespace_metadata import ASLEEP, annotation
from provisioner.operations.steps.readiness import DATABASE, monitoring
from provisioner.operations.steps.shop import close_shop
from provisioner.operations.toolbox import Toolbox

Secret = dict[str, str]


@dataclass(frozen=True)
class Sleep:
    """What the namespace of a sleeping store says: how many steps of the storefront check succeeded before, and the id
    of the backup of what sleeps, or NO_BACKUP."""

    passed: int
    backup: str


def note_sleep(cluster: Cluster, store: Store, sleep: Sleep) -> None:
    """From now on nothing changes the data. Raises Transient and JobFailed."""
    cluster.annotate_namespace(store.namespace, {ASLEEP: f"{sleep.passed} {sleep.backup}"})


def sleep_in(namespace: Object) -> Sleep | None:
    """The note in a namespace; None if the store is awake."""
    passed, _, backup = (annotation(namespace, ASLEEP) or "").partition(" ")
    return Sleep(int(passed), backup) if passed.isdigit() else None


def sleep_of(tools: Toolbox, store: Store) -> Sleep | None:
    """The note in the store's namespace; None if it is awake. Raises Transient."""
    namespace = tools.cluster.namespace(store.namespace)
    return sleep_in(namespace) if namespace else None


def close_for_sleep(tools: Toolbox, job: Job, store: Store, secret: Secret) -> None:
    """Stop everything but the database, and let visits come to the waker.

    Raises JobFailed, Transient, Superseded or HandedOver."""
    tools.cluster.suspend_cron_jobs(store.namespace)
    close_shop(tools, job, store, secret)
    if tools.defaults.waker_address:
        tools.cluster.lead_service(store.namespace, store.release, tools.defaults.waker_address)


def stop_database(tools: Toolbox, job: Job, store: Store, secret: Secret) -> None:
    """Stop the store's own database. Raises JobFailed, Transient, Superseded or HandedOver."""
    with monitoring(tools, job, store, secret, tools.ledger.clock()) as monitor:
        tools.cluster.stop_component(store.namespace, DATABASE)
        monitor.await_gone(DATABASE)


def start_all(tools: Toolbox, job: Job, store: Store, secret: Secret) -> None:
    """Start the database and the application at once, and wait until their pods are ready.

    Raises JobFailed, Transient, Superseded or HandedOver."""
    with monitoring(tools, job, store, secret, tools.ledger.clock()) as monitor:
        components = monitor.components()  # the database first
        for component in components:
            tools.cluster.start_component(store.namespace, component)
        for component in components:
            monitor.await_ready(component)


def let_visitors_in(tools: Toolbox, store: Store) -> None:
    """The store is awake: its data may change, and visits come to its own pods. Raises Transient and JobFailed."""
    tools.cluster.annotate_namespace(store.namespace, {ASLEEP: None})
    tools.cluster.resume_cron_jobs(store.namespace)
    tools.cluster.release_service(store.namespace, store.release)
