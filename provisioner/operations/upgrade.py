"""The operation `upgrade`: brings a store to its chart's present version, with its data, or restores it as it was."""

from __future__ import annotations

from functools import partial

from provisioner.clients.helm import HookFailed, ReleaseSpec
from provisioner.clients.kubernetes.objects import backs_off, unready_pods
from provisioner.diagnosis import crash_between, failed_run_of
from provisioner.domain.backup import Reason
from provisioner.domain.errors import JobFailed
from provisioner.domain.job import EventKind, Job, JobKind, find_event
from provisioner.domain.policy import Right
from provisioner.domain.store import Store, StoreStatus
from provisioner.operations.namespace_metadata import (
    BACKUP_BEFORE,
    CHECK_BEFORE,
    UPGRADE_FROM,
    VERSION,
    annotation,
    annotations_of,
    belongs_to,
    labels_of,
)
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.backup_before import BACK_UP, back_up_first
from provisioner.operations.steps.backup_job import end_backup
from provisioner.operations.steps.claims import ClaimChange, claim_changes, describe, grow
from provisioner.operations.steps.hand_edits import REPAIR, hand_edits, repair
from provisioner.operations.steps.namespace import ensure_limits
from provisioner.operations.steps.readiness import (
    APPLICATION_UP,
    DATABASE,
    DATABASE_UP,
    RolloutMonitor,
    await_components,
    failure_of,
    monitoring,
)
from provisioner.operations.steps.release import (
    RELEASE,
    deployed_release,
    discard_stuck,
    has_begun,
    is_applied,
    release_spec,
)
from provisioner.operations.steps.rollback import (
    CANCELLED,
    MIGRATION,
    ROLLBACK,
    end_as_before,
    forward_or_back,
    roll_back,
)
from provisioner.operations.steps.secret import ensure_secret
from provisioner.operations.steps.storefront import CHECK, INSPECT, STOREFRONT, await_storefront, note_check_before
from provisioner.operations.toolbox import Toolbox

HELM_SECONDS_MORE = 10.0  # than the job has: at the deadline, the monitor says more than helm


def run(tools: Toolbox, job: Job) -> None:
    """Upgrade the store, or go on from what is in the cluster.

    Raises StoreUnchanged if the store runs its former version, and what Operation.run raises."""
    store = tools.store_of(job)
    forward_or_back(tools, job, partial(_go_forward, tools, job, store), partial(roll_back, tools, job, store))


def _go_forward(tools: Toolbox, job: Job, store: Store) -> None:
    store_type = tools.catalog.get(store.type)
    since = tools.ledger.clock()
    with tools.stage(job, "namespace"):
        revision = _prepare_namespace(tools, store)
    with tools.stage(job, "secrets"):
        secret = ensure_secret(tools, store, store_type, may_create=False)
    spec = release_spec(tools.defaults, store, store_type)
    claims = claim_changes(tools, store, spec)
    required = _inspect(tools, job, store, secret, revision, claims)
    # A store that answers is upgraded with a backup only; the upgrade of one that does not may be to fix it.
    back_up_first(tools, job, store, secret, Reason.BEFORE_UPGRADE, required=bool(required))
    with tools.stage(job, RELEASE), monitoring(tools, job, store, secret, since) as monitor:
        grow(tools, store, claims)
        _ensure_release(tools, job, store, spec, monitor, secret)
    await_components(tools, job, store, secret, since)
    await_storefront(tools, job, store, store_type, secret, required)
    done = {UPGRADE_FROM: None, CHECK_BEFORE: None, BACKUP_BEFORE: None, VERSION: store_type.version}
    tools.cluster.annotate_namespace(store.namespace, done)
    tools.ledger.succeed(job, store_type.version)


def _prepare_namespace(tools: Toolbox, store: Store) -> int:
    """Apply the limits and labels of a new store, and mark the revision to roll back to unless it is marked already.

    Returns that revision."""
    instance = tools.defaults.instance
    namespace = tools.cluster.namespace(store.namespace)
    if not namespace or not belongs_to(namespace, store, instance):
        what = f"The namespace {store.namespace} of {store.name} is gone."
        raise JobFailed(what, "Somebody deleted or replaced it.", "Delete the store and order it again.")
    ensure_limits(tools, store, may_create=False)
    annotations, marked = annotations_of(store), annotation(namespace, UPGRADE_FROM)
    if marked is None:
        present = deployed_release(tools, store)
        marked = annotations[UPGRADE_FROM] = str(present.revision)
        version = tools.helm.chart_version(store.release, store.namespace, present.revision)
        tools.ledger.set_version(store.id, version)
    tools.cluster.annotate_namespace(store.namespace, annotations, labels_of(store, instance))
    return int(marked)


def _inspect(
    tools: Toolbox, job: Job, store: Store, secret: dict[str, str], revision: int, claims: list[ClaimChange]
) -> int:
    """Look at the store before anything changes, and repair what the migration may need.

    Returns how many steps of the storefront check succeed."""
    with tools.stage(job, INSPECT.name) as results:
        required = note_check_before(tools, job, store, secret)
        if has_begun(tools, job):
            return required  # an earlier attempt looked, and has begun to change the store
        edits = hand_edits(tools, store, revision)
        results += edits.sentences(UPGRADE.kind)
        results += describe(tools, store, claims)
    if edits.need_repair or find_event(tools.ledger.events(job.id), EventKind.STARTED, REPAIR.name):
        repair(tools, job, store, secret, revision)
    return required


def _ensure_release(
    tools: Toolbox, job: Job, store: Store, spec: ReleaseSpec, monitor: RolloutMonitor, secret: dict[str, str]
) -> None:
    """Run helm once for the job: the chart's hook migrates the data, then helm changes the objects."""
    namespace = store.namespace
    release = tools.cluster.release(namespace, store.release)
    if is_applied(tools, job, release):
        return tools.cluster.end_back_off(namespace)
    while tools.cluster.active_jobs(namespace, MIGRATION):
        monitor.look(MIGRATION)  # a killed attempt left it running; stopping it could leave half a migration
    discard_stuck(tools, store, release)
    pods = tools.cluster.pods(namespace)
    suspects = unready_pods(pods)  # a pod that the upgrade is to fix must not hold it up
    if any(map(backs_off, pods)):
        tools.cluster.end_back_off(namespace)  # the migration needs the database now, if what ended it is fixed
    try:
        tools.helm.upgrade(spec, tools.remaining(job) + HELM_SECONDS_MORE, lambda: monitor.look(MIGRATION))
    except HookFailed as error:
        ended = tools.cluster.pods(namespace)
        symptom = crash_between(store.name, pods, ended, DATABASE) or failed_run_of(store.name, ended, MIGRATION)
        raise failure_of(tools, store, symptom, secret) if symptom else error from error
    return tools.cluster.end_back_off(namespace, suspects)


def undo(tools: Toolbox, job: Job) -> None:
    """Stop the backup, and bring the former version back."""
    store = tools.store_of(job)
    end_backup(tools, job, store)
    roll_back(tools, job, store, CANCELLED)
    end_as_before(tools, job, store)


UPGRADE = Operation(
    kind=JobKind("upgrade"),
    run=run,
    stages=(
        Stage("namespace", "Update the limits", "Limits are up to date"),
        Stage("secrets", "Add new passwords and keys", "All passwords and keys exist"),
        INSPECT,
        REPAIR,
        BACK_UP,
        Stage(RELEASE, "Migrate the data and install the chart", "Data migrated and chart installed"),
        DATABASE_UP,
        APPLICATION_UP,
        STOREFRONT,
        CHECK,
        ROLLBACK,
    ),
    deadline_seconds=1800,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.READY}),
    uses_backups=False,
    needs_backup=False,
    resets_login=False,
    status_when_ordered=None,
    status_when_succeeded=StoreStatus.READY,
    status_when_failed=StoreStatus.FAILED,
    changes_store_at=RELEASE,
    rolls_back=True,
    replaces_live_job=False,
    undo=undo,
    last_stage=None,
    status_when_cancelled=None,
    instead_of_cancel="",
    participle="upgraded",
    gerund="upgrading",
)
