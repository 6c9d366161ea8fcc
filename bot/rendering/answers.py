"""The answers to requests as Slack messages, for the person who asked. Pure; their texts are in templates/."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, Block, ConfirmObject, PlainTextObject

from bot.rendering import blocks, texts
from bot.rendering.blocks import (
    CONFIRM_LIMIT,
    Message,
    button,
    context,
    cut,
    fitting,
    message,
    section,
    sections,
    text_message,
)
from bot.rendering.tables import Cell, DataTable, link, number, person_cell, text_cell, time_of
from provisioner.domain.backup import Backup
from provisioner.domain.errors import LimitReached, NotAllowed, Refused, StoreDeleted
from provisioner.domain.idleness import Idleness
from provisioner.domain.job import Job, JobKind
from provisioner.domain.store import Store, StoreStatus
from provisioner.domain.text import one_line, size
from provisioner.ledger.audit import AuditPage, Row
from provisioner.ledger.stores import StorePage
from provisioner.logs import StoreLog

RESET_ACTION = "reset"
LISTED = 20  # stores of each kind in a list of lines
LINE_LIMIT, LIST_LIMIT = 1000, 6000  # characters of one line, and of the stores of each kind
STORE_COLUMNS = ("Store", "Type", "State", "Owner", "Expires")
BACKUP_COLUMNS = ("Backup", "Made", "Why", "Holds", "Size", "Proven")


def answer(kind: JobKind, **values: object) -> Message:
    """The immediate answer to an order."""
    return text_message(texts.verbs[kind]("answer", **values))


def retrying(job: Job) -> Message:
    """The immediate answer to a retry."""
    return text_message(texts.answers("retrying", name=job.store))


@singledispatch
def refusal(error: Refused) -> Message:
    """The answer to a refused request."""
    return text_message(texts.answers("refusal", p=error.problem))


@refusal.register
def _(error: NotAllowed) -> Message:
    return text_message(texts.answers("not_allowed", store=error.store, owner=error.owner))


@refusal.register
def _(error: StoreDeleted) -> Message:
    facts = {"store": error.store, "by": error.deleted_by, "at": error.deleted_at, "until": error.kept_until}
    return text_message(texts.answers("deleted", **facts))


@refusal.register
def _(error: LimitReached) -> Message:
    text = texts.answers("refusal", p=error.problem)
    return text_message(f"{text} {texts.answers('free_at', at=error.free_at)}" if error.free_at else text)


def unexpected(request_id: str) -> Message:
    """The answer to a request that failed with an error nobody planned for."""
    return text_message(texts.answers("unexpected", id=request_id))


def credential_link(store: Store, url: str, expires_at: float, *, may_reset: bool) -> Message:
    """The link to the credentials, for one person; `may_reset` offers a new password."""
    text = texts.credentials("link", store=store, url=url, expires_at=expires_at, may_reset=may_reset)
    label, confirm = texts.credentials("reset"), confirm_reset(store)
    reset = button(RESET_ACTION, label, store.name, f"{store.id}/", confirm=confirm)
    return message(text, [section(text), ActionsBlock(elements=[reset]) if may_reset else None])


def confirm_reset(store: Store) -> ConfirmObject:
    """The question before the admin gets a new password."""
    return ConfirmObject(
        title=texts.credentials("confirm_title"),
        text=PlainTextObject(text=cut(texts.credentials("confirm_text", store=store), CONFIRM_LIMIT)),
        confirm=texts.credentials("confirm"),
        deny=texts.credentials("deny"),
    )


def download_link(store: Store, backup: Backup, url: str, expires_at: float) -> Message:
    """The link that downloads a backup, for one person."""
    return text_message(texts.credentials("download", store=store, b=backup, url=url, expires_at=expires_at))


def help_text(sections: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> Message:
    """Sections of (title, lines of (usage, text))."""
    parts = [texts.answers("help_section", title=title, lines=lines) for title, lines in sections]
    return text_message("\n".join(parts))


def store_list(mine: StorePage, others: StorePage) -> Message:
    """The person's own stores first."""
    if not mine.total and not others.total:
        return text_message(texts.answers("no_stores"))
    lines = _listed_stores(texts.answers("mine", any=mine.total > 0), mine)
    if others.total:
        lines += _listed_stores(texts.answers("others"), others, with_owners=True)
    listed = [*mine.stores, *others.stores]
    names = ", ".join(f"{store.name} ({store.status})" for store in listed[:LISTED])
    text = texts.answers("list_text", mine=mine.total, others=others.total, names=names)
    caption = texts.answers("list_caption", mine=mine.total, others=others.total)
    none_yet = None if mine.total else section(texts.answers("mine", any=False))
    return message(text, [none_yet, *_store_table(caption, listed, mine.total + others.total)], lines)


def chosen_stores(page: StorePage, owner: str = "", type: str = "", status: str = "") -> Message:
    """The stores of a person, of a type and with a status, where these are not ''."""
    title = texts.answers("chosen", owner=owner, type=type, status=status)
    if not page.total:
        return text_message(texts.answers("none_chosen", title=title))
    names = ", ".join(f"{store.name} ({store.status})" for store in page.stores)
    lines = _listed_stores(f"*{title}*", page, with_owners=not owner)
    caption = texts.answers("chosen", owner="", type=type, status=status)
    table = [section(f"*{title}*"), *_store_table(caption, page.stores, page.total)]
    return message(cut(f"{title}: {names}", LINE_LIMIT), table, lines)


def audit(page: AuditPage, name: str) -> Message:
    """The newest requests about the store called `name`, or about all that the person may manage."""
    if not page.total:
        return text_message(texts.answers("no_requests", name=name))
    rows = [cut(texts.answers("request", r=_readable(row), with_store=not name), LINE_LIMIT) for row in page.rows]
    text = texts.answers("requests_text", name=name, count=page.total, newest=_readable(page.rows[0])["detail"])
    parts = _listed(texts.answers("requests", name=name), rows, page.total, more="more_requests")
    return message(cut(text, LINE_LIMIT), parts)


def _readable(row: Row) -> Row:
    """The row with what people typed as one line each, which can't look like another row."""
    return row | {column: one_line(row[column]).replace("`", "'") for column in ("detail", "reason", "store")}


def answer_of(text: str, **values: Any) -> Message:
    """One of the answers of verbs that order nothing."""
    return text_message(texts.answers(text, **values))


def store_log(store: Store, log: StoreLog) -> Message:
    """The end of a store's log, for the person who asked."""
    title, others = texts.answers("log", store=store, log=log), texts.answers("other_logs", store=store, log=log)
    box = blocks.log(log.text) if log.text else None
    return message(title, [section(title), box, context(others) if others else None])


def backups(store: Store, found: Sequence[Backup]) -> Message:
    """A store's backups, newest first."""
    if not found:
        return text_message(texts.answers("no_backups", name=store.name))
    title, rows = texts.answers("backups", name=store.name), [texts.answers("backup", b=backup) for backup in found]
    text = "\n".join([title, *rows[: fitting(rows, LIST_LIMIT)]])
    verbs = ("restore", "restore_as_new", "export")
    actions = [button(verb, texts.answers(verb), store.name, f"{store.id}/") for verb in verbs]
    buttons = ActionsBlock(elements=actions)
    table = _table(
        texts.answers("backups_caption", name=store.name), BACKUP_COLUMNS, map(_backup_row, found), len(found)
    )
    return message(cut(text, LIST_LIMIT), [*table, buttons], [*_listed(title, rows, len(rows)), buttons])


def _store_table(caption: str, stores: Sequence[Store], total: int) -> list[Block | None]:
    return _table(caption, STORE_COLUMNS, map(_store_row, stores), total)


def _store_row(store: Store) -> list[Cell]:
    name = link(store.url, store.name) if store.status == StoreStatus.READY else text_cell(store.name)
    expires = time_of(None if store.ending else store.expires_at)
    return [name, text_cell(store.type), text_cell(store.status), person_cell(store.owner), expires]


def _backup_row(backup: Backup) -> list[Cell]:
    held, amount = ", ".join(backup.contents), number(backup.bytes, size(backup.bytes))
    made, proven = time_of(backup.made_at), time_of(backup.proven_at)
    return [text_cell(backup.id[:8]), made, text_cell(backup.reason), text_cell(held), amount, proven]


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], total: int) -> list[Block | None]:
    """The table, and how many more of `total` rows there are."""
    table = DataTable(caption, columns, list(rows))
    left_out = total - table.shown
    return [table, context(texts.answers("more", count=left_out)) if left_out else None]


def _listed_stores(title: str, page: StorePage, *, with_owners: bool = False) -> list[Block | None]:
    shown = page.stores[:LISTED]
    rows = [texts.answers("row", s=store, owner=store.owner if with_owners else None) for store in shown]
    return _listed(title, rows, page.total)


def _listed(title: str, rows: Sequence[str], total: int, more: str = "more") -> list[Block | None]:
    """The title, whole rows, and how many more of `total` there are: in the words of the text `more`."""
    shown = fitting(rows, LIST_LIMIT)
    left_out = total - shown
    return [
        *sections("\n".join([title, *rows[:shown]])),
        context(texts.answers(more, count=left_out)) if left_out else None,
    ]


def extended(store: Store) -> Message:
    """The answer to an extension: when the store ends now."""
    return text_message(texts.expiry("answer", store=store))


def idle_time(store: Store, idleness: Idleness) -> Message:
    """The answer to another idle time: after how long without a shopper the store sleeps now."""
    return text_message(texts.idle("answer", store=store, i=idleness))


def idle_rule(store: Store, idleness: Idleness) -> Message:
    """For the status at a terminal."""
    return text_message(texts.idle("facts", store=store, i=idleness))


def transfer_answer(store: Store) -> Message:
    """The answer to a transfer: whose store it is now."""
    return text_message(texts.transfer("answer", store=store))
