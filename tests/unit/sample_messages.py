"""Every message that people see, by name; tests/unit/golden/ has each as text."""

from __future__ import annotations

from dataclasses import replace

from bot.commands.help import help_sections
from bot.commands.registry import COMMANDS, OFFERS
from bot.rendering import answers, messages, texts
from bot.rendering.blocks import Message
from bot.rendering.expiry_notice import ExpiryNotice
from bot.rendering.job_view import JobView, store_view
from bot.rendering.opened_link import OpenedLink
from bot.rendering.refused import Moved, RefusedMessages
from provisioner.domain.errors import LimitReached, NotAllowed, Refused, StoreDeleted
from provisioner.domain.idleness import Idleness
from provisioner.domain.job import EventKind, Job, JobEvent, JobStatus
from provisioner.domain.policy import IDLE, SCHEDULE, VISITOR
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.audit import AuditPage
from provisioner.ledger.stores import StorePage
from provisioner.logs import StoreLog
from provisioner.operations.backup import BACKUP
from provisioner.operations.create import CREATE
from provisioner.operations.delete import DELETE, FOR_GOOD
from provisioner.operations.import_ import IMPORT
from provisioner.operations.pause import PAUSE
from provisioner.operations.prove import PROVE
from provisioner.operations.reset import RESET
from provisioner.operations.restart import RESTART
from provisioner.operations.restore import RESTORE
from provisioner.operations.rollback import ROLLBACK
from provisioner.operations.set import SET
from provisioner.operations.upgrade import UPGRADE
from provisioner.operations.wake import WAKE
from tests.unit.sample_stores import (
    ASLEEP,
    BACKED_UP_JOB,
    BACKUP_FAILED_JOB,
    BACKUP_JOB,
    BACKUPS,
    CANCELLING,
    CATALOG,
    CLONE_FAILED_JOB,
    CLONE_JOB,
    CLONED_JOB,
    CREATING,
    DELETE_FAILED_JOB,
    DELETED,
    DELETED_JOB,
    DELETING,
    DELETING_JOB,
    EXPIRING,
    FAILED,
    FAILED_JOB,
    FORGOTTEN,
    FORMER,
    HAND_EDITED,
    IMPORT_FAILED_JOB,
    IMPORT_JOB,
    IMPORTED_JOB,
    JOB,
    KEPT,
    LINK,
    NOON,
    PAUSE_FAILED_JOB,
    PAUSE_JOB,
    PAUSED_JOB,
    PROVE_FAILED_JOB,
    PROVE_JOB,
    PROVEN_BACKUPS,
    PROVEN_JOB,
    RESET_DONE_JOB,
    RESET_FAILED_JOB,
    RESET_JOB,
    RESTART_FAILED_JOB,
    RESTART_JOB,
    RESTARTED_JOB,
    RESTORE_FAILED_JOB,
    RESTORE_JOB,
    RESTORED_JOB,
    RETRYING,
    ROLLBACK_FAILED_JOB,
    ROLLBACK_JOB,
    ROLLBACK_STARTED,
    ROLLED_BACK,
    ROLLED_BACK_JOB,
    SET_DONE_JOB,
    SET_FAILED_JOB,
    SET_JOB,
    SOLD_OUT,
    STORE,
    SUCCEEDED_WITH_0_2_0,
    UNDELETE_FAILED_JOB,
    UNDELETE_JOB,
    UNDELETED_JOB,
    UPGRADE_FAILED_JOB,
    UPGRADE_JOB,
    UPGRADED,
    UPGRADED_JOB,
    WAITING,
    WAKE_FAILED_JOB,
    WAKE_JOB,
    WITH_DATA,
    WOKEN_JOB,
    WORKING_JOB,
    job_view,
    stage_events,
)

THREAD_URL = "https://slack.example/archives/C1/p1"


def summary(view: JobView, moved: Moved | None = None) -> Message:
    return messages.summary(view, OFFERS, moved)


def requests(total: int) -> AuditPage:
    """Three rows of the audit log at most."""
    rows = (
        ("U0ADA0001", "command", "my-shop", "/store delete my-shop", "refused", "my-shop belongs to U0DANA001."),
        ("U0DANA001", "click", "my-shop", "restart S1", "ordered", ""),
        ("terminal", "command", "", "list", "answered", "listed 2"),
    )
    columns = ("actor", "action", "store", "detail", "outcome", "reason")
    shown = tuple({"at": NOON, **dict(zip(columns, row, strict=True))} for row in rows[:total])
    return AuditPage(shown, total)


def page(*stores: object, total: int | None = None) -> StorePage:
    return StorePage(stores, len(stores) if total is None else total)  # type: ignore[arg-type]


def cancelled(job: Job, store: Store, done: int, *more: JobEvent, later: Job | None = None) -> Message:
    """The message of a job that Dana cancelled."""
    ended = replace(job, status=JobStatus.CANCELLED, finished_at=NOON + 9, cancelled_by="U0DANA001")
    return summary(job_view(ended, store, later, done, *more))


CANCELLING_JOB = replace(UPGRADE_JOB, cancelled_by="U0DANA001")
CANCELLATIONS = {
    "upgrade-cancelling": summary(job_view(CANCELLING_JOB, FORMER, None, 2, RETRYING, CANCELLING, ROLLBACK_STARTED)),
    "upgrade-cancelled": cancelled(UPGRADE_JOB, FORMER, 2, *ROLLED_BACK),
    "upgrade-cancelled-then-retried": cancelled(UPGRADE_JOB, FORMER, 2, later=replace(UPGRADE_JOB, id="j30")),
    "upgrade-cancelled-untouched": cancelled(UPGRADE_JOB, FORMER, -1),
    "upgrade-cancelled-broken": summary(
        job_view(replace(UPGRADE_FAILED_JOB, cancelled_by="U0DANA001"), FAILED, None, 2, ROLLBACK_STARTED)
    ),
    "upgraded-cancelled-too-late": summary(
        job_view(replace(UPGRADED_JOB, cancelled_by="U0DANA001"), UPGRADED, None, 7, SUCCEEDED_WITH_0_2_0)
    ),
    "rollback-cancelled": cancelled(ROLLBACK_JOB, UPGRADED, 2, *ROLLED_BACK),
    "rollback-cancelled-untouched": cancelled(ROLLBACK_JOB, UPGRADED, 0),
    "create-cancelled": cancelled(JOB, DELETED, 3, *ROLLED_BACK),
    "clone-cancelled": cancelled(CLONE_JOB, DELETED, 3, *ROLLED_BACK),
    "import-cancelled": cancelled(IMPORT_JOB, DELETED, 3, *ROLLED_BACK),
    "undelete-cancelled": cancelled(UNDELETE_JOB, KEPT, 3, *ROLLED_BACK),
    "reset-cancelled": cancelled(RESET_JOB, STORE, 0),
    "restart-cancelled": cancelled(RESTART_JOB, STORE, 1),
    "pause-cancelled": cancelled(PAUSE_JOB, STORE, 2, *ROLLED_BACK),
    "pause-cancelled-untouched": cancelled(PAUSE_JOB, STORE, 0),
    "wake-cancelled": cancelled(WAKE_JOB, ASLEEP, 0, *ROLLED_BACK),
    "backup-cancelled": cancelled(BACKUP_JOB, STORE, 1),
    "prove-cancelled": cancelled(PROVE_JOB, STORE, 3),
    "restore-cancelled": cancelled(RESTORE_JOB, STORE, 4, *ROLLED_BACK),
    "restore-cancelled-untouched": cancelled(RESTORE_JOB, STORE, 1),
}
SUMMARIES = {
    "queued": summary(job_view(replace(WORKING_JOB, status=JobStatus.QUEUED), CREATING, None, -1)),
    "working": summary(job_view(WORKING_JOB, CREATING, None, 3)),
    "waiting": summary(job_view(WORKING_JOB, CREATING, None, 3, RETRYING)),
    "ready": summary(job_view()),
    "ready-in-direct-messages": summary(job_view(), Moved("C0RANDOM1", "not_in_channel")),
    "ready-after-archiving": summary(job_view(), Moved("C0RANDOM1", "is_archived")),
    "ready-in-failure-channel": summary(job_view(), Moved("U0DANA001", "user_disabled")),
    "failed": summary(job_view(FAILED_JOB, FAILED, None, 4)),
    "failed-then-retried": summary(job_view(FAILED_JOB, CREATING, replace(WORKING_JOB, id="j3"), 4)),
    "failed-then-deleted": summary(job_view(FAILED_JOB, DELETED, DELETED_JOB, 4)),
    "superseded": summary(job_view(replace(JOB, status=JobStatus.SUPERSEDED), DELETING, DELETING_JOB, 2)),
    "ready-then-deleting": summary(job_view(JOB, DELETING, DELETING_JOB)),
    "ready-then-deleted": summary(job_view(JOB, DELETED, DELETED_JOB)),
    "ready-then-not-deleted": summary(job_view(JOB, FAILED, replace(DELETING_JOB, status=JobStatus.FAILED))),
    "deleting": summary(job_view(DELETING_JOB, DELETING, None, 0)),
    "deleted": summary(job_view(DELETED_JOB, DELETED, None, 2)),
    "deleted-kept": summary(job_view(DELETED_JOB, KEPT, None, 3)),
    "deleted-for-good": summary(job_view(replace(DELETED_JOB, arguments=FOR_GOOD), KEPT, None, 2)),
    "deleted-then-undeleting": summary(job_view(DELETED_JOB, CREATING, UNDELETE_JOB, 3)),
    "cloning": summary(job_view(CLONE_JOB, CREATING, None, 5)),
    "cloned": summary(job_view(CLONED_JOB, STORE, None, 9)),
    "cloned-then-deleted": summary(job_view(CLONED_JOB, DELETED, DELETED_JOB, 9)),
    "not-cloned": summary(job_view(CLONE_FAILED_JOB, FAILED, None, 1)),
    "importing": summary(job_view(IMPORT_JOB, CREATING, None, 4)),
    "imported": summary(job_view(IMPORTED_JOB, STORE, None, 9)),
    "imported-then-deleted": summary(job_view(IMPORTED_JOB, DELETED, DELETED_JOB, 9)),
    "not-imported": summary(job_view(IMPORT_FAILED_JOB, FAILED, None, 4)),
    "undeleting": summary(job_view(UNDELETE_JOB, CREATING, None, 5)),
    "undeleted": summary(job_view(UNDELETED_JOB, STORE, None, 8)),
    "undeleted-then-deleted": summary(job_view(UNDELETED_JOB, DELETED, DELETED_JOB, 8)),
    "not-undeleted": summary(job_view(UNDELETE_FAILED_JOB, FAILED, None, 5)),
    "not-deleted": summary(job_view(DELETE_FAILED_JOB, FAILED, None, 0)),
    "ready-with-newer-version": summary(job_view(store=FORMER, newer_version="0.2.0")),
    "upgrading": summary(job_view(UPGRADE_JOB, FORMER, None, 2, newer_version="0.2.0", choices=("US $",))),
    "upgraded": summary(job_view(UPGRADED_JOB, UPGRADED, None, 7, SUCCEEDED_WITH_0_2_0)),
    "upgraded-with-results": summary(
        job_view(UPGRADED_JOB, UPGRADED, None, 2, HAND_EDITED, SOLD_OUT, SUCCEEDED_WITH_0_2_0)
    ),
    "ready-then-upgrading": summary(job_view(JOB, STORE, UPGRADE_JOB)),
    "upgraded-then-deleted": summary(job_view(UPGRADED_JOB, DELETED, DELETED_JOB, 7, SUCCEEDED_WITH_0_2_0)),
    "not-upgraded": summary(job_view(UPGRADE_FAILED_JOB, FORMER, None, 2, *ROLLED_BACK, newer_version="0.2.0")),
    "not-upgraded-untouched": summary(job_view(UPGRADE_FAILED_JOB, STORE, None, 1)),
    "not-upgraded-broken": summary(job_view(UPGRADE_FAILED_JOB, FAILED, None, 2, ROLLBACK_STARTED)),
    "not-upgraded-but-serving": summary(job_view(UPGRADE_FAILED_JOB, STORE, None, 2, ROLLBACK_STARTED)),
    "not-deleted-but-serving": summary(job_view(DELETE_FAILED_JOB, STORE, None, 0)),
    "upgrade-superseded": summary(
        job_view(replace(UPGRADE_JOB, status=JobStatus.SUPERSEDED), DELETING, DELETING_JOB, 2)
    ),
    "rolling-back": summary(job_view(ROLLBACK_JOB, UPGRADED, None, 2)),
    "rolling-back-with-data": summary(job_view(replace(ROLLBACK_JOB, arguments=WITH_DATA), UPGRADED, None, 2)),
    "rolled-back": summary(job_view(ROLLED_BACK_JOB, FORMER, None, 5, newer_version="0.2.0")),
    "rolled-back-with-data": summary(job_view(replace(ROLLED_BACK_JOB, arguments=WITH_DATA), FORMER, None, 5)),
    "rolled-back-then-deleted": summary(job_view(ROLLED_BACK_JOB, DELETED, DELETED_JOB, 5)),
    "upgraded-then-rolling-back": summary(job_view(UPGRADED_JOB, UPGRADED, ROLLBACK_JOB, 7, SUCCEEDED_WITH_0_2_0)),
    "not-rolled-back": summary(job_view(ROLLBACK_FAILED_JOB, UPGRADED, None, 2, *ROLLED_BACK)),
    "not-rolled-back-untouched": summary(job_view(ROLLBACK_FAILED_JOB, UPGRADED, None, 0)),
    "not-rolled-back-broken": summary(job_view(ROLLBACK_FAILED_JOB, FAILED, None, 2, ROLLBACK_STARTED)),
    "not-rolled-back-but-serving": summary(job_view(ROLLBACK_FAILED_JOB, UPGRADED, None, 2, ROLLBACK_STARTED)),
    "setting": summary(job_view(SET_JOB, STORE, None, 1)),
    "set": summary(job_view(SET_DONE_JOB, STORE, None, 6)),
    "set-then-deleted": summary(job_view(SET_DONE_JOB, DELETED, DELETED_JOB, 6)),
    "ready-then-setting": summary(job_view(JOB, STORE, SET_JOB)),
    "not-set": summary(job_view(SET_FAILED_JOB, STORE, None, 2, *ROLLED_BACK)),
    "not-set-untouched": summary(job_view(SET_FAILED_JOB, STORE, None, 1)),
    "not-set-but-serving": summary(job_view(SET_FAILED_JOB, STORE, None, 2, ROLLBACK_STARTED)),
    "not-set-broken": summary(job_view(SET_FAILED_JOB, FAILED, None, 2, ROLLBACK_STARTED)),
    "set-superseded": summary(job_view(replace(SET_JOB, status=JobStatus.SUPERSEDED), DELETING, DELETING_JOB, 2)),
    "restarting": summary(job_view(RESTART_JOB, STORE, None, 1)),
    "restarted": summary(job_view(RESTARTED_JOB, STORE, None, 4)),
    "ready-then-restarting": summary(job_view(JOB, STORE, RESTART_JOB)),
    "restarted-then-deleted": summary(job_view(RESTARTED_JOB, DELETED, DELETED_JOB, 4)),
    "not-restarted": summary(job_view(RESTART_FAILED_JOB, STORE, None, 1)),
    "not-restarted-then-retried": summary(job_view(RESTART_FAILED_JOB, STORE, replace(RESTART_JOB, id="j5"), 1)),
    "resetting": summary(job_view(RESET_JOB, STORE, None, 2)),
    "reset": summary(job_view(RESET_DONE_JOB, STORE, None, 4)),
    "reset-of-an-operators-store": summary(job_view(RESET_DONE_JOB, replace(STORE, origin=""), None, 4)),
    "ready-then-resetting": summary(job_view(JOB, STORE, RESET_JOB)),
    "reset-then-deleted": summary(job_view(RESET_DONE_JOB, DELETED, DELETED_JOB, 4)),
    "not-reset": summary(job_view(RESET_FAILED_JOB, STORE, None, 2)),
    "reset-superseded": summary(job_view(replace(RESET_JOB, status=JobStatus.SUPERSEDED), DELETING, DELETING_JOB, 1)),
    "pausing": summary(job_view(PAUSE_JOB, STORE, None, 2)),
    "paused": summary(job_view(PAUSED_JOB, ASLEEP, None, 4)),
    "paused-then-waking": summary(job_view(PAUSED_JOB, ASLEEP, WAKE_JOB, 4)),
    "paused-then-visited": summary(job_view(PAUSED_JOB, STORE, None, 4)),
    "ready-then-pausing": summary(job_view(JOB, STORE, PAUSE_JOB)),
    "not-paused": summary(job_view(PAUSE_FAILED_JOB, STORE, None, 2, *ROLLED_BACK)),
    "not-paused-untouched": summary(job_view(PAUSE_FAILED_JOB, STORE, None, 1)),
    "not-paused-closed": summary(job_view(PAUSE_FAILED_JOB, FAILED, None, 2, ROLLBACK_STARTED)),
    "waking": summary(job_view(WAKE_JOB, ASLEEP, None, 1)),
    "woken": summary(job_view(WOKEN_JOB, STORE, None, 2)),
    "woken-then-deleted": summary(job_view(WOKEN_JOB, DELETED, DELETED_JOB, 2)),
    "not-woken": summary(job_view(WAKE_FAILED_JOB, ASLEEP, None, 0, *ROLLED_BACK)),
    "not-woken-failed": summary(job_view(WAKE_FAILED_JOB, FAILED, None, 1)),
    "not-woken-but-serving": summary(job_view(WAKE_FAILED_JOB, STORE, None, 1)),
    "woken-by-a-visitor-in-failure-channel": messages.failure(
        job_view(replace(WAKE_FAILED_JOB, requested_by=VISITOR), ASLEEP, None, 0, *ROLLED_BACK), OFFERS, THREAD_URL
    ),
    "backing-up": summary(job_view(BACKUP_JOB, STORE, None, 1)),
    "backed-up": summary(job_view(BACKED_UP_JOB, STORE, None, 2)),
    "ready-then-backing-up": summary(job_view(JOB, STORE, BACKUP_JOB)),
    "backed-up-then-deleted": summary(job_view(BACKED_UP_JOB, DELETED, DELETED_JOB, 2)),
    "not-backed-up": summary(job_view(BACKUP_FAILED_JOB, STORE, None, 1)),
    "proving": summary(job_view(PROVE_JOB, STORE, None, 4)),
    "proven": summary(job_view(PROVEN_JOB, STORE, None, 9)),
    "proven-then-deleted": summary(job_view(PROVEN_JOB, DELETED, DELETED_JOB, 9)),
    "ready-then-proving": summary(job_view(JOB, STORE, PROVE_JOB)),
    "not-proven": summary(job_view(PROVE_FAILED_JOB, STORE, None, 4)),
    "restoring": summary(job_view(RESTORE_JOB, STORE, None, 4)),
    "restored": summary(job_view(RESTORED_JOB, STORE, None, 7)),
    "restored-then-deleted": summary(job_view(RESTORED_JOB, DELETED, DELETED_JOB, 7)),
    "not-restored": summary(job_view(RESTORE_FAILED_JOB, STORE, None, 4, *ROLLED_BACK)),
    "not-restored-untouched": summary(job_view(RESTORE_FAILED_JOB, STORE, None, 1)),
    "not-restored-broken": summary(job_view(RESTORE_FAILED_JOB, FAILED, None, 4, ROLLBACK_STARTED)),
    "not-restored-but-serving": summary(job_view(RESTORE_FAILED_JOB, STORE, None, 4, ROLLBACK_STARTED)),
    "restart-superseded": summary(
        job_view(replace(RESTART_JOB, status=JobStatus.SUPERSEDED), DELETING, DELETING_JOB, 1)
    ),
    "working-with-options": summary(job_view(WORKING_JOB, CREATING, None, 3, choices=("US $", "Fern & Moss"))),
    "adopted-store": messages.store_alone(
        store_view(CATALOG, replace(STORE, options={"currency": "usd", "color": "#0f0", "gone": "x"}), None), OFFERS
    ),
}
FAILURES = {
    "failure": messages.failure(job_view(FAILED_JOB, FAILED, None, 4), OFFERS, THREAD_URL),
    "failure-solved": messages.failure(job_view(FAILED_JOB, STORE, replace(JOB, id="j3"), 4), OFFERS, ""),
    "failure-followed": messages.failure(job_view(FAILED_JOB, CREATING, replace(WORKING_JOB, id="j3"), 4), OFFERS, ""),
    "failure-store-deleted": messages.failure(job_view(FAILED_JOB, DELETED, DELETED_JOB, 4), OFFERS, ""),
    "failure-upgrade": messages.failure(
        job_view(UPGRADE_FAILED_JOB, FORMER, None, 2, *ROLLED_BACK), OFFERS, THREAD_URL
    ),
    "failure-rollback": messages.failure(
        job_view(ROLLBACK_FAILED_JOB, UPGRADED, None, 2, *ROLLED_BACK), OFFERS, THREAD_URL
    ),
    "failure-backup": messages.failure(job_view(BACKUP_FAILED_JOB, STORE, None, 1), OFFERS, THREAD_URL),
    "failure-prove": messages.failure(job_view(PROVE_FAILED_JOB, STORE, None, 4), OFFERS, THREAD_URL),
    "failure-restore": messages.failure(job_view(RESTORE_FAILED_JOB, STORE, None, 4, *ROLLED_BACK), OFFERS, THREAD_URL),
    "failure-set": messages.failure(job_view(SET_FAILED_JOB, STORE, None, 2, *ROLLED_BACK), OFFERS, THREAD_URL),
    "failure-restart": messages.failure(job_view(RESTART_FAILED_JOB, STORE, None, 1), OFFERS, THREAD_URL),
    "failure-reset": messages.failure(job_view(RESET_FAILED_JOB, STORE, None, 2), OFFERS, THREAD_URL),
    "failure-pause": messages.failure(job_view(PAUSE_FAILED_JOB, STORE, None, 2, *ROLLED_BACK), OFFERS, THREAD_URL),
    "failure-wake": messages.failure(job_view(WAKE_FAILED_JOB, ASLEEP, None, 0, *ROLLED_BACK), OFFERS, THREAD_URL),
    "failure-clone": messages.failure(job_view(CLONE_FAILED_JOB, FAILED, None, 1), OFFERS, THREAD_URL),
    "failure-import": messages.failure(job_view(IMPORT_FAILED_JOB, FAILED, None, 4), OFFERS, THREAD_URL),
    "failure-undelete": messages.failure(job_view(UNDELETE_FAILED_JOB, FAILED, None, 5), OFFERS, THREAD_URL),
    "failure-delete": messages.failure(job_view(DELETE_FAILED_JOB, FAILED, None, 0), OFFERS, THREAD_URL),
}
IDLED_JOB = replace(PAUSED_JOB, requested_by=IDLE, quiet=True, arguments={IDLE: "28800.0"})
RULE = Idleness(28_800.0, counts=True)
NOTICE = ExpiryNotice(EXPIRING, 1, NOON + 259_200, current=True, at=NOON + 259_200, left=7200, kept=True, may_keep=True)
ANSWERS = {
    "failed-night": messages.failed_night(
        [replace(BACKUP_FAILED_JOB, store=name, requested_by=SCHEDULE) for name in ("bakery", "cafe")]
    ),
    "expiry-notice": messages.expiry_notice(NOTICE),
    "expiry-notice-limited": messages.expiry_notice(replace(NOTICE, left=172_800, may_keep=False)),
    "expiry-notice-extended": messages.expiry_notice(replace(NOTICE, current=False)),
    "expiry-notice-kept": messages.expiry_notice(replace(NOTICE, store=STORE, current=False)),
    "expiry-notice-over": messages.expiry_notice(
        replace(NOTICE, store=replace(EXPIRING, status=StoreStatus.ASLEEP), number=3)
    ),
    "expiry-notice-over-for-good": messages.expiry_notice(replace(NOTICE, number=3, kept=False)),
    "expiry-notice-deleting": messages.expiry_notice(replace(NOTICE, store=DELETING, number=3, current=False)),
    "fell-asleep": messages.fell_asleep(job_view(IDLED_JOB, ASLEEP, None, 4), OFFERS),
    "fell-asleep-then-woken": messages.fell_asleep(job_view(IDLED_JOB, ASLEEP, WAKE_JOB, 4), OFFERS),
    "fell-asleep-then-visited": messages.fell_asleep(
        job_view(IDLED_JOB, STORE, replace(WAKE_JOB, requested_by=VISITOR), 4), OFFERS
    ),
    "ready-then-asleep": messages.summary(job_view(JOB, ASLEEP, None, 7), OFFERS),
    "idle-time": answers.idle_time(STORE, RULE),
    "idle-time-never": answers.idle_time(STORE, replace(RULE, after=None)),
    "idle-rule": answers.idle_rule(replace(STORE, visited_at=NOON), RULE),
    "idle-rule-unvisited": answers.idle_rule(STORE, RULE),
    "idle-rule-uncounted": answers.idle_rule(STORE, replace(RULE, counts=False)),
    "idle-rule-never": answers.idle_rule(replace(STORE, idle_after=0.0, visited_at=NOON), replace(RULE, after=None)),
    "extended": answers.extended(EXPIRING),
    "extended-asleep": answers.extended(replace(EXPIRING, status=StoreStatus.ASLEEP)),
    "ready-expiring": messages.summary(job_view(JOB, EXPIRING, None, 7), OFFERS),
    "receipt": messages.receipt(OpenedLink(STORE, LINK, may_reset=True)),
    "receipt-disowned": messages.receipt(OpenedLink(STORE, LINK, may_reset=True, reset=RESET_JOB)),
    "receipt-without-reset": messages.receipt(OpenedLink(STORE, LINK)),
    "receipt-download": messages.receipt(OpenedLink(STORE, replace(LINK, backup_id=BACKUPS[0].id))),
    "resetting-answer": answers.answer(RESET.kind, name="my-shop"),
    "download": answers.download_link(STORE, BACKUPS[0], "https://bot.example/s/l1/backup#token", NOON),
    "importing-answer": answers.answer(
        IMPORT.kind, name="my-shop", url="https://bot.example/s/l1/archive#token", expires_at=NOON
    ),
    "moved-to-direct-messages": messages.moved_aside(
        "my-shop", "https://slack.example/archives/D1/p1", Moved("C0RANDOM1", "not_in_channel")
    ),
    "moved-to-unknown-place": messages.moved_aside("my-shop", "", Moved("C0RANDOM1", "restricted_action")),
    "held-back": messages.held_back("my-shop", "token_revoked"),
    "given-up": messages.refused_messages(RefusedMessages("no_text", "unknown", 1, ("my-shop",))),
    "given-up-many": messages.refused_messages(
        RefusedMessages("missing_scope", "no_rights", 40, tuple(f"shop-{n}" for n in range(15)))
    ),
    "given-up-home": messages.refused_messages(RefusedMessages("not_enabled", "unknown", 2, ())),
    "creating-answer": answers.answer(CREATE.kind, name="my-shop", label="Medusa", url=STORE.url),
    "upgrading-answer": answers.answer(UPGRADE.kind, store=replace(STORE, version="0.9"), label="Medusa", version="1"),
    "upgrading-same-answer": answers.answer(
        UPGRADE.kind, store=replace(STORE, version="1"), label="Medusa", version="1"
    ),
    "rolling-back-answer": answers.answer(
        ROLLBACK.kind, name="my-shop", version="0.1.0", revision="1", backup=BACKUPS[0]
    ),
    "rolling-back-alone-answer": answers.answer(
        ROLLBACK.kind, name="my-shop", version="0.1.0", revision="1", backup=None
    ),
    "backing-up-answer": answers.answer(BACKUP.kind, name="my-shop"),
    "backups": answers.backups(STORE, BACKUPS),
    "backups-proven": answers.backups(STORE, PROVEN_BACKUPS),
    "proving-answer": answers.answer(PROVE.kind, name="my-shop"),
    "log": answers.store_log(STORE, StoreLog("application", "my-shop-7d9f", "GET / 200\n<!channel>", ("database",))),
    "log-empty": answers.store_log(STORE, StoreLog("database", "my-shop-database-0", "", ())),
    "log-slow": answers.answer_of("reading_log", name="my-shop"),
    "backups-none": answers.backups(STORE, []),
    "backups-many": answers.backups(STORE, BACKUPS * 100),
    "restoring-answer": answers.answer(RESTORE.kind, name="my-shop", backup=BACKUPS[1]),
    "pausing-answer": answers.answer(PAUSE.kind, name="my-shop"),
    "waking-answer": answers.answer(WAKE.kind, name="my-shop"),
    "setting-answer": answers.answer(SET.kind, name="my-shop", values=SET_JOB.arguments),
    "restarting-answer": answers.answer(RESTART.kind, name="my-shop"),
    "deleting-answer": answers.answer(DELETE.kind, name="my-shop"),
    "retrying-answer": answers.retrying(JOB),
    "credentials": answers.credential_link(STORE, "https://bot.example/s/l1#token", NOON, may_reset=True),
    "credentials-without-reset": answers.credential_link(
        STORE, "https://bot.example/s/l1#token", NOON, may_reset=False
    ),
    "help": answers.help_text(help_sections(COMMANDS.values(), CATALOG)),
    "list-empty": answers.store_list(page(), page()),
    "list": answers.store_list(
        page(STORE, FAILED, replace(ASLEEP, name="old-shop")),
        page(replace(CREATING, owner="U0OLI0001", name="olis-shop")),
    ),
    "list-none-of-mine": answers.store_list(page(), page(STORE)),
    "list-long": answers.store_list(page(STORE, total=41), page(replace(STORE, owner="U0OLI0001"), total=22)),
    "audit": answers.audit(requests(3), ""),
    "audit-of-a-store": answers.audit(requests(41), "my-shop"),
    "audit-empty": answers.audit(requests(0), "my-shop"),
    "refusal": answers.refusal(Refused("“<!channel>” can't be a store's name.", "It has to be plain.", "Try channel.")),
    "refusal-not-allowed": answers.refusal(NotAllowed("my-shop", "U0DANA001")),
    "refusal-deleted": answers.refusal(StoreDeleted("my-shop", "U0ADA0001", NOON + 5000, None)),
    "refusal-deleted-kept": answers.refusal(StoreDeleted("my-shop", "U0ADA0001", NOON + 5000, NOON + 600_000)),
    "credentials-not-ready": answers.refusal(Refused(texts.credentials("not_ready", store=CREATING))),
    "credentials-already-given": answers.refusal(Refused(texts.credentials("already_given"))),
    "limit": answers.refusal(LimitReached("You ordered 3 stores.", "", "The next is free in 9 min.", free_at=NOON)),
    "unexpected": answers.unexpected("abc123"),
}
THREAD_POSTS = {
    "thread": messages.stages(job_view(), job_view().events),
    "thread-forgotten": messages.stages(job_view(DELETED_JOB, DELETED), [FORGOTTEN]),
    "thread-waiting": messages.stages(job_view(WORKING_JOB), [WAITING, RETRYING]),
    "thread-failed": messages.stages(
        job_view(FAILED_JOB),
        [RETRYING, JobEvent(91, "j1", NOON, EventKind.FAILED, detail="The image can't be pulled.")],
    ),
    "thread-upgrade": messages.stages(
        job_view(UPGRADE_FAILED_JOB),
        [
            *stage_events(UPGRADE.kind, 2),
            HAND_EDITED,
            *ROLLED_BACK,
            JobEvent(94, "j2", NOON, EventKind.FAILED, detail="The migration failed."),
        ],
    ),
    "thread-cancelled": messages.stages(
        job_view(CANCELLING_JOB, FORMER, None, 2, *ROLLED_BACK),
        [CANCELLING, *ROLLED_BACK],
    ),
    "thread-superseded": messages.stages(
        job_view(JOB, DELETING, DELETING_JOB), [JobEvent(92, "j1", NOON, EventKind.SUPERSEDED)]
    ),
}
MESSAGES = {
    **SUMMARIES,
    **CANCELLATIONS,
    **FAILURES,
    **ANSWERS,
    **{name: post for name, post in THREAD_POSTS.items() if post},
}
