"""The operation `create`: namespace, Secret, release, then wait until a cart holds a product."""

from __future__ import annotations

from provisioner.clients.kubernetes.objects import is_terminating, unready_pods
from provisioner.domain.catalog import StoreType
from provisioner.domain.errors import JobFailed, Transient
from provisioner.domain.job import Job, JobKind
from provisioner.domain.policy import Right
from provisioner.domain.store import Store, StoreStatus
from provisioner.operations.namespace_metadata import READY_AT, VERSION, annotations_of, belongs_to, labels_of
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.address import require_free_address
from provisioner.operations.steps.claims import discard_unbound
from provisioner.operations.steps.namespace import ensure_limits
from provisioner.operations.steps.readiness import await_components
from provisioner.operations.steps.release import release_spec
from provisioner.operations.steps.secret import ensure_secret
from provisioner.operations.steps.storefront import CHECK, STOREFRONT, await_storefront
from provisioner.operations.toolbox import Toolbox

INSTALL_TIMEOUT_SECONDS = 120.0


def run(tools: Toolbox, job: Job) -> None:
    """Create the store, or go on from what is in the cluster."""
    store = tools.store_of(job)
    store_type = tools.catalog.get(store.type)
    since = tools.ledger.clock()
    with tools.stage(job, "namespace"):
        require_free_address(tools, store)
        _ensure_namespace(tools, store)
    with tools.stage(job, "secrets"):
        secret = ensure_secret(tools, store, store_type, may_create=True)
    with tools.stage(job, "release"):
        _ensure_release(tools, job, store, store_type)
    await_components(tools, job, store, secret, since)
    await_storefront(tools, job, store, store_type, secret)
    ready_at = str(store.ready_at or tools.ledger.clock())
    tools.cluster.annotate_namespace(store.namespace, {READY_AT: ready_at, VERSION: store_type.version})
    tools.ledger.succeed(job, store_type.version)


def _ensure_namespace(tools: Toolbox, store: Store) -> None:
    instance = tools.defaults.instance
    namespace = tools.cluster.namespace(store.namespace)
    if namespace and is_terminating(namespace):
        raise Transient(f"The namespace {store.namespace} is still being deleted.")
    if namespace and not belongs_to(namespace, store, instance):
        what = f"The namespace {store.namespace} exists already and is not this store's."
        raise JobFailed(what, "Somebody else created it.", "Choose another name, or delete that namespace and retry.")
    if not namespace and not tools.cluster.create_namespace(
        store.namespace, labels_of(store, instance), annotations_of(store)
    ):
        raise Transient(f"Somebody else created the namespace {store.namespace} at the same moment.")
    ensure_limits(tools, store, may_create=True)


def _ensure_release(tools: Toolbox, job: Job, store: Store, store_type: StoreType) -> None:
    """Install the chart.

    If a killed helm left the release pending, delete that revision's record first: helm then adopts the objects that
    exist and goes on. Nothing is uninstalled."""
    release = tools.cluster.release(store.namespace, store.release)
    if release and release.stuck:
        tools.cluster.delete_secret(store.namespace, release.record)
    spec = release_spec(tools.defaults, store, store_type)
    if release:
        discard_unbound(tools, job, store, spec)
    # Pods that the failed job left may wait minutes for the kubelet's next try. Other pods may just be starting.
    suspects = unready_pods(tools.cluster.pods(store.namespace)) if job.retry_of else set()
    tools.helm.apply(
        spec,
        min(INSTALL_TIMEOUT_SECONDS, tools.remaining(job)),
        # Only a first install runs the chart's hooks: a later attempt has no older version to migrate from.
        hooks=release is None,
        meanwhile=lambda: tools.check_in(job, f"The chart of {store.name} was not installed"),
    )
    if job.retry_of or job.attempts > 1:
        # After helm: a StatefulSet does not replace a broken pod by itself, and the next pod must be a new one.
        tools.cluster.end_back_off(store.namespace, suspects)


CREATE = Operation(
    kind=JobKind("create"),
    run=run,
    stages=(
        Stage("namespace", "Create the namespace", "Namespace created"),
        Stage("secrets", "Generate passwords and keys", "Passwords and keys generated"),
        Stage("release", "Install the chart", "Chart installed"),
        Stage("database", "Start the database", "Database is up"),
        Stage("application", "Start the application", "Application is up"),
        STOREFRONT,
        CHECK,
    ),
    deadline_seconds=900,
    right=Right.ANYONE,
    orderable_when=frozenset(),  # there is no store yet
    needs_backup=False,
    status_when_ordered=StoreStatus.CREATING,
    status_when_succeeded=StoreStatus.READY,
    status_when_failed=StoreStatus.FAILED,
    changes_store_at=None,
    rolls_back=False,
    replaces_live_job=False,
    participle="created",
    gerund="creating",
)
