"""Sample stores, jobs and events for tests of what people see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.rendering.job_view import JobView, StoreView
from provisioner.domain.backup import Backup
from provisioner.domain.catalog import Catalog, StoreType
from provisioner.domain.errors import Problem
from provisioner.domain.exported import Exported
from provisioner.domain.job import ROLLBACK_STAGE, EventKind, Job, JobEvent, JobKind, JobStatus
from provisioner.domain.options import Option
from provisioner.domain.revision import Revision
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.links import OneTimeLink
from provisioner.operations.backup import BACKUP
from provisioner.operations.clone import CLONE
from provisioner.operations.clone import arguments_of as arguments_of_clone
from provisioner.operations.create import CREATE
from provisioner.operations.delete import DELETE
from provisioner.operations.import_ import IMPORT
from provisioner.operations.import_ import arguments_of as arguments_of_import
from provisioner.operations.pause import PAUSE
from provisioner.operations.prove import PROVE
from provisioner.operations.prove import arguments_of as arguments_of_proof
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.reset import RESET
from provisioner.operations.restart import RESTART
from provisioner.operations.restore import RESTORE, arguments_of
from provisioner.operations.rollback import ROLLBACK
from provisioner.operations.rollback import arguments_of as arguments_of_rollback
from provisioner.operations.set import SET
from provisioner.operations.undelete import UNDELETE
from provisioner.operations.upgrade import UPGRADE
from provisioner.operations.wake import WAKE

NOON = 1_800_000_000.0

CURRENCY = Option(
    id="currency", label="Currency", value="store.currency", default="eur", choices={"eur": "Euro (€)", "usd": "US $"}
)
COLOR = Option(
    id="color", label="Colour", value="store.color", default="#0f0", choices={"#0f0": "Fern & Moss", "#00f": "Sea"}
)
MEDUSA = StoreType("medusa", "Medusa", "A headless shop. " * 10, Path(), "1", "/app", (), {}, (), (CURRENCY, COLOR))
PLAIN = StoreType("plain", "Plain", "", Path(), "1", "/", (), {}, ())


def catalog_of(*types: StoreType) -> Catalog:
    """A catalog without charts on disk; the first type is the default."""
    catalog = Catalog.__new__(Catalog)
    catalog.types, catalog.default = {t.name: t for t in types}, types[0]
    return catalog


CATALOG = catalog_of(MEDUSA, PLAIN)

STORE = Store(
    id="s1",
    name="my-shop",
    type="medusa",
    status=StoreStatus.READY,
    owner="U0DANA001",
    origin="C0STORES1",
    namespace="store-my-shop",
    url="http://my-shop.localhost:8081",
    admin_url="http://my-shop.localhost:8081/app",
    created_at=NOON,
    ready_at=NOON + 14,
)
CREATING = replace(STORE, status=StoreStatus.CREATING, ready_at=None)
FAILED = replace(STORE, status=StoreStatus.FAILED, ready_at=None)
EXPIRING = replace(STORE, expires_at=NOON + 259_200, life=259_200)
ASLEEP = replace(STORE, status=StoreStatus.ASLEEP)
DELETING = replace(STORE, status=StoreStatus.DELETING)
DELETED = replace(STORE, status=StoreStatus.DELETED, deleted_by="U0ADA0001", deleted_at=NOON + 5000)
KEPT = replace(DELETED, kept_until=NOON + 600_000)
FORMER = replace(STORE, version="0.1.0")
UPGRADED = replace(STORE, version="0.2.0")

JOB = Job(
    id="j1",
    kind=CREATE.kind,
    store_id="s1",
    store="my-shop",
    status=JobStatus.SUCCEEDED,
    requested_by="U0DANA001",
    origin="C0STORES1",
    delivery_key="k",
    attempts=1,
    created_at=NOON,
    due_at=NOON,
    allowed=900,
    deadline_at=NOON + 900,
    finished_at=NOON + 14.2,
)
IMAGE_PROBLEM = Problem(
    "The image storewright/medusa:0badc0ffee can't be pulled.",
    "There is no such image: <not found> & no mirror has it.",
    "Correct the tag in STORE_VALUES, then retry.",
    "line 1\nline 2 with ``` and <!channel>\nError: no such image",
)
MIGRATION_PROBLEM = Problem(
    "The migration of my-shop failed: it ended with exit code 3.",
    "Its log says “column price is odd”.",
    "Fix the cause, then retry.",
    "begin\ncolumn price is odd",
)
CRASH_PROBLEM = Problem(
    "The application of my-shop keeps crashing: it ended 3 times, last with exit code 1.",
    "Its log says “no route to the database”.",
    "Read the end of its log and fix the cause, then retry.",
    "begin\nno route to the database",
)
RESET_PROBLEM = Problem(
    "The reset of my-shop failed: it ended with exit code 1.",
    "Its log says “the database at my-shop-database refused this store”.",
    "Fix the cause, then retry.",
)
HELD_PROBLEM = Problem(
    "The namespace store-my-shop is still there.", "A finalizer of a volume holds it.", "Ask for it to go."
)

DUMP_PROBLEM = Problem(
    "The backup of my-shop failed: it ended with exit code 1.",
    "Its log says “could not connect to server”.",
    "Fix the cause, then retry.",
    "could not connect to server",
)

ARCHIVE_PROBLEM = Problem(
    "The archive did not become my-shop: The import of my-shop failed: it ended with exit code 1.",
    "error: the archive is cut off",
    "Import another one: delete my-shop, then type /store import my-shop. For the same one, retry.",
)
COUNT_PROBLEM = Problem(
    "No working copy of my-shop could be made from its newest backup: The backup holds only 3 of 12 orders.",
    "Data was lost on the backup server.",
    "Fix the cause and retry. The other backups: /store backups my-shop",
)

WORKING_JOB = replace(JOB, status=JobStatus.RUNNING, finished_at=None)
FAILED_JOB = replace(JOB, status=JobStatus.FAILED, problem=IMAGE_PROBLEM)
DELETING_JOB = replace(WORKING_JOB, id="j2", kind=DELETE.kind, requested_by="U0ADA0001")
DELETED_JOB = replace(DELETING_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 9.96)
DELETE_FAILED_JOB = replace(DELETED_JOB, status=JobStatus.FAILED, problem=HELD_PROBLEM)
UPGRADE_JOB = replace(WORKING_JOB, id="j3", kind=UPGRADE.kind, requested_by="U0ADA0001")
UPGRADED_JOB = replace(UPGRADE_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 21)
UPGRADE_FAILED_JOB = replace(UPGRADE_JOB, status=JobStatus.FAILED, finished_at=NOON + 21, problem=MIGRATION_PROBLEM)
ROLLBACK_JOB = replace(
    UPGRADE_JOB, id="j18", kind=ROLLBACK.kind, arguments=arguments_of_rollback(1, "0.1.0", "0.2.0", None)
)
ROLLED_BACK_JOB = replace(ROLLBACK_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 21)
ROLLBACK_FAILED_JOB = replace(ROLLBACK_JOB, status=JobStatus.FAILED, finished_at=NOON + 21, problem=CRASH_PROBLEM)
RESTART_JOB = replace(WORKING_JOB, id="j4", kind=RESTART.kind, requested_by="U0ADA0001")
SET_JOB = replace(
    RESTART_JOB, id="j20", kind=SET.kind, arguments={"color": "#1f5f8b", "logo": "https://example.com/" + "x" * 60}
)
RESTARTED_JOB = replace(RESTART_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 19)
RESET_JOB = replace(RESTART_JOB, id="j18", kind=RESET.kind)
RESET_DONE_JOB = replace(RESET_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 5)
PAUSE_JOB = replace(RESTART_JOB, id="j16", kind=PAUSE.kind)
PAUSED_JOB = replace(PAUSE_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 11)
WAKE_JOB = replace(RESTART_JOB, id="j17", kind=WAKE.kind)
WOKEN_JOB = replace(WAKE_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 6)
BACKUP_JOB = replace(RESTART_JOB, id="j6", kind=BACKUP.kind)
BACKED_UP_JOB = replace(BACKUP_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 19)
BACKUP_FAILED_JOB = replace(BACKUP_JOB, status=JobStatus.FAILED, finished_at=NOON + 19, problem=DUMP_PROBLEM)
BACKUPS = [
    Backup("5f0e1d2c3b", "s1", "j6", NOON, "ordered", "0.1.0", 31_400_000, 1_200, True, {"orders": 12, "products": 40}),
    Backup("0a1b2c3d4e", "s1", "j5", NOON - 86_400, "ordered", "0.1.0", 31_000_000, 9_000_000, True, {}),
]
WITH_DATA = arguments_of_rollback(1, "0.1.0", "0.2.0", BACKUPS[0])
REVISIONS = [
    Revision(1, "superseded", "0.1.0", NOON - 9000, {}),
    Revision(2, "superseded", "0.1.0", NOON - 8000, {"color": "#00f"}),
    Revision(3, "deployed", "0.2.0", NOON, {}, migrates=True),
]
BEFORE_UPGRADE = replace(BACKUPS[0], reason="before an upgrade", made_at=NOON - 60)
PROVEN_BACKUPS = [replace(BACKUPS[0], proven_at=NOON + 3600), BACKUPS[1]]
PROVE_JOB = replace(RESTART_JOB, id="j10", kind=PROVE.kind, arguments=arguments_of_proof(BACKUPS[0]))
PROVEN_JOB = replace(PROVE_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 40)
PROVE_FAILED_JOB = replace(PROVE_JOB, status=JobStatus.FAILED, finished_at=NOON + 40, problem=COUNT_PROBLEM)
RESTORE_JOB = replace(RESTART_JOB, id="j7", kind=RESTORE.kind, arguments=arguments_of(BACKUPS[1], back_up_first=True))
RESTORED_JOB = replace(RESTORE_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 19)
RESTORE_FAILED_JOB = replace(RESTORE_JOB, status=JobStatus.FAILED, finished_at=NOON + 19, problem=DUMP_PROBLEM)
CLONE_JOB = replace(
    WORKING_JOB, id="j9", kind=CLONE.kind, arguments=arguments_of_clone(replace(STORE, name="first-shop"), None)
)
CLONED_JOB = replace(CLONE_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 19)
CLONE_FAILED_JOB = replace(CLONE_JOB, status=JobStatus.FAILED, finished_at=NOON + 19, problem=DUMP_PROBLEM)
EXPORTED = Exported(1, "first-shop", "medusa", "0.1.0", "http://first-shop.localhost", "2026-10-01T12:00:00+00:00", {})
IMPORT_JOB = replace(WORKING_JOB, id="j11", kind=IMPORT.kind, arguments=arguments_of_import(EXPORTED))
IMPORTED_JOB = replace(IMPORT_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 19)
IMPORT_FAILED_JOB = replace(IMPORT_JOB, status=JobStatus.FAILED, finished_at=NOON + 19, problem=ARCHIVE_PROBLEM)
UNDELETE_JOB = replace(RESTART_JOB, id="j8", kind=UNDELETE.kind)
UNDELETED_JOB = replace(UNDELETE_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 19)
UNDELETE_FAILED_JOB = replace(UNDELETE_JOB, status=JobStatus.FAILED, finished_at=NOON + 19, problem=DUMP_PROBLEM)
FORGOTTEN = JobEvent(88, "j2", NOON, EventKind.FORGOTTEN)
PAUSE_FAILED_JOB = replace(PAUSE_JOB, status=JobStatus.FAILED, finished_at=NOON + 19, problem=DUMP_PROBLEM)
WAKE_FAILED_JOB = replace(WAKE_JOB, status=JobStatus.FAILED, finished_at=NOON + 19, problem=CRASH_PROBLEM)
RESET_FAILED_JOB = replace(RESET_JOB, status=JobStatus.FAILED, finished_at=NOON + 19, problem=RESET_PROBLEM)
SET_DONE_JOB = replace(SET_JOB, status=JobStatus.SUCCEEDED, finished_at=NOON + 19)
SET_FAILED_JOB = replace(SET_JOB, status=JobStatus.FAILED, finished_at=NOON + 19, problem=CRASH_PROBLEM)
RESTART_FAILED_JOB = replace(RESTART_JOB, status=JobStatus.FAILED, finished_at=NOON + 19, problem=CRASH_PROBLEM)

RETRYING = JobEvent(90, "j1", NOON, EventKind.RETRYING, detail="The API is away. Trying again in 4 s.")
WAITING = JobEvent(89, "j1", NOON, EventKind.WAITING, detail="50 jobs are running. This one starts next.")
CANCELLING = JobEvent(91, "j2", NOON, EventKind.CANCELLING)
SUCCEEDED_WITH_0_2_0 = JobEvent(91, "j2", NOON, EventKind.SUCCEEDED, detail="0.2.0")
ROLLBACK_STARTED = JobEvent(92, "j2", NOON, EventKind.STARTED, ROLLBACK_STAGE)
ROLLED_BACK = (ROLLBACK_STARTED, JobEvent(93, "j2", NOON, EventKind.DONE, ROLLBACK_STAGE, seconds=2.1))
HAND_EDITED = JobEvent(
    94, "j2", NOON, EventKind.DONE, "inspect",
    "The upgrade replaces what was changed by hand: deployment/my-shop spec.replicas (kubectl). To keep a change, set "
    "it in STORE_VALUES.", 0.7,
)  # fmt: skip
SOLD_OUT = JobEvent(
    95, "j2", NOON, EventKind.DONE, "check",
    "The check stops where it stopped before: POST /store/carts/c1/line-items answered 400 instead of 200.", 0.4,
)  # fmt: skip
LINK = OneTimeLink("l1", "hash", "s1", "U0ADA0001", NOON, NOON + 900, claimed_at=NOON + 60)


def stage_events(kind: JobKind, done: int) -> list[JobEvent]:
    """The first `done` stages finished and the next one started; none started for -1."""
    made: list[JobEvent] = []
    stages = [stage.name for stage in OPERATIONS[kind].stages if not stage.exceptional]
    for number, stage in enumerate(stages):
        if number <= done:
            made.append(JobEvent(len(made) + 1, "j1", NOON, EventKind.STARTED, stage))
        if number < done:
            made.append(JobEvent(len(made) + 1, "j1", NOON, EventKind.DONE, stage, seconds=0.34 * (number + 1)))
    return made


def job_view(
    job: Job = JOB,
    store: Store = STORE,
    later: Job | None = None,
    done: int = 7,
    *more: JobEvent,
    choices: tuple[str, ...] = (),
    newer_version: str = "",
) -> JobView:
    """The view of a job with `done` finished stages and `more` events; `later` is the store's next job."""
    store_view = StoreView(store, later or job, "Medusa", choices, newer_version)
    return JobView(job, (*stage_events(job.kind, done), *more), store_view, later)
