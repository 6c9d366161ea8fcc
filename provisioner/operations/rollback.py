"""The operation `rollback`: brings a store's release back to a former revision, with the data that it had if the order
says so, or leaves both as they were."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from provisioner.domain.backup import Backup, Reason
from provisioner.domain.errors import JobFailed, Problem
from provisioner.domain.job import EventKind, Job, JobKind, find_event
from provisioner.domain.options import former_options
from provisioner.domain.policy import Right
from provisioner.domain.revision import present_of, way_to
from provisioner.domain.store import SECRET_NAME, Store, StoreStatus
from provisioner.operations.namespace_metadata import (
    BACKUP_BEFORE,
    CHECK_BEFORE,
    UPGRADE_FROM,
    VERSION,
    annotations_of,
)
from provisioner.operations.spec import Operation, Stage
from provisioner.operations.steps.backup_before import BACK_UP, back_up_first
from provisioner.operations.steps.backup_job import (
    LOAD,
    arguments_for,
    end_backup,
    grant_access,
    is_loaded,
    load_backup,
    served_before,
)
from provisioner.operations.steps.hand_edits import REPAIR, hand_edits, repair, restore_revision
from provisioner.operations.steps.readiness import APPLICATION_UP, DATABASE, DATABASE_UP, await_components
from provisioner.operations.steps.release import RELEASE, has_begun, is_changed
from provisioner.operations.steps.revisions import read_revisions
from provisioner.operations.steps.rollback import CANCELLED, end_as_before, forward_or_back, marked_revision, roll_back
from provisioner.operations.steps.rollback import ROLLBACK as WAY_BACK
from provisioner.operations.steps.shop import UNUSED_SECONDS, close_shop, open_shop
from provisioner.operations.steps.storefront import (
    CHECK,
    INSPECT,
    STOREFRONT,
    await_storefront,
    await_working,
    note_check_before,
)
from provisioner.operations.toolbox import Toolbox

Secret = dict[str, str]


def arguments_of(revision: int, version: str, present: str, backup: Backup | None) -> dict[str, str]:
    """The arguments of a job that goes back to a revision, which has this version, from the version `present`.

    The data of the backup goes back with it; for None, the present data stays."""
    to = {"revision": str(revision), "version": version, "present": present}
    return {**to, **arguments_for(backup), "made_at": str(backup.made_at)} if backup else to


def run(tools: Toolbox, job: Job) -> None:
    """Roll the store back, or go on where an interrupted attempt stopped. Raises what Operation.run raises."""
    store = tools.store_of(job)
    forward_or_back(tools, job, partial(_go_forward, tools, job, store), partial(_go_back, tools, job, store))


def _go_forward(tools: Toolbox, job: Job, store: Store) -> None:
    since = tools.ledger.clock()
    secret = tools.cluster.read_secret(store.namespace, SECRET_NAME)
    required = _inspect(tools, job, store, secret)
    # What goes is lost without a backup; the rollback of the release alone may be to fix a store that has none.
    needed = bool(required or _backup_of(job))
    back_up_first(tools, job, store, secret, Reason.BEFORE_ROLLBACK, required=needed)
    with tools.stage(job, RELEASE):
        _ensure_release(tools, job, store, secret)
    if _backup_of(job):
        _load(tools, job, store, secret, since)
    else:
        await_components(tools, job, store, secret, since)
        await_storefront(tools, job, store, tools.catalog.get(store.type), secret, required)
    _follow(tools, job, store)


def _go_back(tools: Toolbox, job: Job, store: Store, problem: Problem) -> None:
    """Bring back what ran before, with its data. Raises JobFailed if that fails too, Superseded or HandedOver."""
    roll_back(tools, job, store, problem, closed=bool(_backup_of(job)) and has_begun(tools, job))


def _backup_of(job: Job) -> str:
    """The id of the backup whose data goes back; '' where the present data stays."""
    return job.arguments.get("backup", "")


def _inspect(tools: Toolbox, job: Job, store: Store, secret: Secret) -> int:
    """Look at the store before anything changes, mark the revision that runs, and repair what a backup needs.

    Returns how many steps of the storefront check succeed."""
    edits = None
    with tools.stage(job, INSPECT.name) as results:
        if not is_changed(tools, job):
            present = _mark_present(tools, job, store)
            if not has_begun(tools, job):
                edits = hand_edits(tools, store, present)
                results += edits.sentences(job.kind)
        required = note_check_before(tools, job, store, secret)
    repaired = find_event(tools.ledger.events(job.id), EventKind.STARTED, REPAIR.name)
    if edits and (edits.need_repair or repaired):
        repair(tools, job, store, secret, present)
    return required


def _mark_present(tools: Toolbox, job: Job, store: Store) -> int:
    """Mark the revision that runs, unless an earlier attempt did, if the order's way back is still one.

    Returns that revision. Raises JobFailed, Refused and Transient."""
    marked = marked_revision(tools, store)
    revisions = read_revisions(tools, store)
    way = way_to(store.name, revisions, (), int(job.arguments["revision"]), marked or 0)
    if (way.revision.version, way.present) != (job.arguments["version"], job.arguments["present"]):
        what = f"{store.name} runs version {way.present} now, and ran {job.arguments['present']} when this was ordered."
        raise JobFailed(what, "It has changed since.", f"Look at the ways back again: /store rollback {store.name}")
    present = marked or present_of(store.name, revisions).number
    tools.cluster.annotate_namespace(store.namespace, {UPGRADE_FROM: str(present)})
    return present


def _ensure_release(tools: Toolbox, job: Job, store: Store, secret: Secret) -> None:
    """Bring the release back once for the job, and leave the shop closed if its data goes back, too."""
    if is_changed(tools, job):
        return
    if _backup_of(job):
        close_shop(tools, job, store, secret)
    restore_revision(tools, store, int(job.arguments["revision"]))
    if _backup_of(job):  # helm has opened it, for data that is about to go
        close_shop(tools, job, store, secret, grace_seconds=UNUSED_SECONDS)


def _load(tools: Toolbox, job: Job, store: Store, secret: Secret, since: float) -> None:
    """Load the backup, and open the shop again. The former chart's own Job loads it: another one would migrate it."""
    if not is_loaded(tools, job):
        await_components(tools, job, store, secret, since, only=DATABASE)
        with tools.stage(job, LOAD):
            grant_access(tools, store)
            load_backup(tools, job, store, secret, _backup_of(job))
    with tools.stage(job, "application"):
        open_shop(tools, job, store, secret)
    with tools.stage(job, STOREFRONT.name):
        await_working(tools, job, store, secret, None if served_before(job) else 0)


def _follow(tools: Toolbox, job: Job, store: Store) -> None:
    """Note the version and the options that the store has now, and end the job."""
    now = present_of(store.name, read_revisions(tools, store))
    options = former_options(tools.catalog.get(store.type).options, store.options, now.values)
    notes = {UPGRADE_FROM: None, CHECK_BEFORE: None, BACKUP_BEFORE: None, VERSION: now.version}
    tools.cluster.annotate_namespace(store.namespace, {**annotations_of(replace(store, options=options)), **notes})
    tools.ledger.set_options(store.id, options)
    tools.ledger.succeed(job, now.version)


def undo(tools: Toolbox, job: Job) -> None:
    """Stop the backup, and bring back what ran before, with its data."""
    store = tools.store_of(job)
    end_backup(tools, job, store)
    _go_back(tools, job, store, CANCELLED)
    end_as_before(tools, job, store)


ROLLBACK = Operation(
    kind=JobKind("rollback"),
    run=run,
    stages=(
        INSPECT,
        REPAIR,
        BACK_UP,
        Stage(RELEASE, "Bring the former version back", "The former version is back"),
        DATABASE_UP,
        Stage(LOAD, "Bring its data back", "Its data is back", exceptional=True),
        APPLICATION_UP,
        STOREFRONT,
        replace(CHECK, exceptional=True),
        replace(WAY_BACK, title="Bring back what was there before", done="What was there before is back"),
    ),
    deadline_seconds=3600,
    right=Right.MANAGE,
    orderable_when=frozenset({StoreStatus.READY, StoreStatus.FAILED}),
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
    participle="rolled back",
    gerund="rolling back",
)
