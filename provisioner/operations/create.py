"""From an order to a store that answers: namespace, secrets, release, then watched until a cart holds a product."""

from __future__ import annotations

from provisioner.domain.catalog import StoreType
from provisioner.domain.errors import JobFailed, Transient
from provisioner.domain.job import Job
from provisioner.domain.store import PREFIX, Store, release_name
from provisioner.operations.steps.prepare import ensure_limits, ensure_secret, wanted_release
from provisioner.operations.steps.readiness import await_store
from provisioner.operations.toolbox import Toolbox


def run(tools: Toolbox, job: Job) -> None:
    """Raises JobFailed, Transient, Superseded or HandedOver; entered again, it goes on from what is there."""
    store = tools.store_of(job)
    kind = tools.catalog.get(store.type)
    since = tools.ledger.clock()
    with tools.stage(job, "namespace"):
        _ensure_namespace(tools, store)
    with tools.stage(job, "secrets"):
        secret = ensure_secret(tools, store, kind, may_make=True)
    with tools.stage(job, "release"):
        _ensure_release(tools, job, store, kind)
    await_store(tools, job, store, kind, secret, since)
    ready_at = str(store.ready_at or tools.ledger.clock())
    tools.cluster.annotate_namespace(store.namespace, {PREFIX + "ready-at": ready_at, PREFIX + "version": kind.version})
    tools.ledger.succeed(job, kind.version)


def _ensure_namespace(tools: Toolbox, store: Store) -> None:
    namespace = tools.cluster.namespace(store.namespace)
    if namespace and not tools.is_ours(namespace, store):
        what = f"The namespace {store.namespace} exists already and is not this store's."
        raise JobFailed(what, "Somebody else made it.", "Choose another name, or remove that namespace and retry.")
    if not namespace and not tools.cluster.create_namespace(
        store.namespace, tools.labels(store), tools.annotations(store)
    ):
        raise Transient(f"The namespace {store.namespace} was made by somebody else just now.")
    ensure_limits(tools, store)


def _ensure_release(tools: Toolbox, job: Job, store: Store, kind: StoreType) -> None:
    """Of a release that a killed helm left pending, the record is forgotten first: helm then finds what there is, takes
    it over and goes on; nothing is uninstalled."""
    release = tools.helm.release(release_name(store.name), store.namespace)
    if release and release.stuck:
        tools.cluster.delete_secret(store.namespace, release.record)
    tools.helm.apply(
        wanted_release(tools, store, kind),
        min(120.0, tools.remaining(job)),
        # Only a first install runs the chart's hooks: what is entered again has no older version to migrate from.
        hooks=release is None,
        meanwhile=lambda: tools.check_in(job, f"The chart of {store.name} was not installed"),
    )
    if job.retry_of or job.attempts > 1:
        # After helm, because a StatefulSet replaces no broken pod by itself: its next one must be of the new kind.
        tools.cluster.end_back_off(store.namespace)
