"""Job views, store views and refusals as Slack messages. Pure, tested against golden files; texts are in templates/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    DividerBlock,
    PlanBlock,
    RichTextBlock,
    RichTextElementParts,
    RichTextSectionElement,
    TaskCardBlock,
)

from bot.rendering import blocks
from bot.rendering.blocks import Message, button, context, cut, fitting, message, section, sections, text_message
from bot.rendering.expiry_notice import ExpiryNotice
from bot.rendering.job_view import Headline, JobView, StoreView, Task, TaskStatus
from bot.rendering.offers import Offer, offers_block
from bot.rendering.refused import Moved, RefusedMessages
from bot.rendering.templating import TextTemplate
from provisioner.domain.backup import Backup
from provisioner.domain.errors import LimitReached, NotAllowed, Refused, StoreDeleted
from provisioner.domain.job import EventKind, Job, JobEvent, JobKind
from provisioner.domain.store import Store
from provisioner.domain.text import enumerate_some, one_line
from provisioner.ledger.audit import AuditPage, Row
from provisioner.ledger.links import OneTimeLink
from provisioner.ledger.stores import StorePage
from provisioner.logs import StoreLog
from provisioner.operations.registry import OPERATIONS

# Every operation has a template with these texts: a missing one stops the bot at its start.
JOB_TEXTS = ("answer", "working", "succeeded", "outdated", "fate", "later")
verbs = {kind: TextTemplate(f"verbs/{kind}", JOB_TEXTS) for kind in OPERATIONS}
jobs, answers, home = TextTemplate("jobs"), TextTemplate("answers"), TextTemplate("home")
shared, credentials, refused = TextTemplate("shared"), TextTemplate("credentials"), TextTemplate("refused")
expiry, transfer = TextTemplate("expiry"), TextTemplate("transfer")

EXTEND_ACTION, KEEP_ACTION = "extend", "keep"
LISTED = 20  # stores of each kind in a list
# Characters, so that no message gets too long as a whole.
LIST_LIMIT = 6000  # of the stores of each kind
THREAD_LIMIT, LINE_LIMIT = 10_000, 1000  # of one post in a thread, and of one line in it
NAMES_LIMIT = 1000  # of the stores in one message about many
CARD_LIMIT = 1000  # of a store on App Home, and of its problem


# --- the root message of a job, edited in place ------------------------------------------------------------------


def summary(view: JobView, offers: Sequence[Offer], moved: Moved | None = None) -> Message:
    """The job as it is now. `moved` says why it is not where it was ordered."""
    headline = headline_of(view)
    problem = view.job.problem if view.headline is Headline.FAILED else None
    results = view.results if view.headline in (Headline.SUCCEEDED, Headline.FAILED) else []
    text = f"{headline} {shared('problem', p=problem)}" if problem else headline
    text = f"{text} {shared('sentences', lines=results)}" if results else text
    before = [
        section(headline),
        *(sections(jobs("problem", p=problem)) if problem else []),
        *(sections(jobs("results", lines=results)) if results else []),
    ]
    setback = context(jobs("setback", detail=view.setback)) if view.setback else None
    buttons = offers_block(view.of, offers) if view.current else None
    expires = _expires(view.store) if view.current else None
    after = [context(moved.note) if moved else None, _backed_up(view.of), expires, context(jobs("footer", v=view))]

    def around(steps: Block) -> list[Block | None]:
        """The steps come first while the job runs, and the buttons after it."""
        return [*before, steps, setback, buttons, *after] if view.job.live else [*before, buttons, steps, *after]

    facts = {"job": view.job.id, "kind": view.job.kind, "store": view.store.name, "status": str(view.job.status)}
    return replace(message(text, around(_plan(view)), around(_plan_as_text(view))), facts=facts)


def with_facts(shown: Message, view: StoreView) -> Message:
    """A store's message with its owner, age, version and addresses, for somebody who asks for its status."""
    facts = [context(home("facts", v=view)).to_dict()]
    return replace(shown, blocks=[*shown.blocks, *facts], simple=[*shown.simple, *facts])


def _backed_up(view: StoreView) -> Block | None:
    return context(home("backed_up", times=view.backups)) if view.backups else None


def _expires(store: Store) -> Block | None:
    return context(expiry("footer", store=store)) if store.expires_at and not store.ending else None


def headline_of(view: JobView) -> str:
    """The first sentence of the root message."""
    verb = verbs[view.job.kind]
    match view.headline:
        case Headline.WORKING | Headline.SUCCEEDED:
            return verb(view.headline, v=view)
        case Headline.OUTDATED:
            return f"{verb('outdated', v=view)} {_later(view)}"
        case Headline.FAILED:
            return f"{jobs('failed', v=view)} {verb('fate', v=view)}".strip()
        case Headline.SUPERSEDED:
            return f"{jobs('superseded', v=view)} {_later(view)}"
        case Headline.RETRIED if view.next.kind == view.job.kind:
            return jobs("retried", v=view)
        case Headline.RETRIED:
            return f"{jobs('failed', v=view)} {_later(view)}"


def _later(view: JobView) -> str:
    """What the store's next job did or does, as a sentence about “it”."""
    return verbs[view.next.kind]("later", v=view)


def _plan(view: JobView) -> PlanBlock:
    tasks = [_task_card(view, task) for task in view.tasks]
    title = jobs("plan", done=sum(task.status is TaskStatus.COMPLETE for task in view.tasks), all=len(tasks))
    return PlanBlock(title=title, tasks=tasks, block_id=f"plan-{view.job.id}")


def _task_card(view: JobView, task: Task) -> TaskCardBlock:
    card = TaskCardBlock(task_id=f"{view.job.id}-{task.stage}", title=task.title, status=task.status.value)
    if task.seconds is not None:
        text = RichTextElementParts.Text(text=jobs("seconds", value=task.seconds))
        card.output = RichTextBlock(elements=[RichTextSectionElement(elements=[text])])
    return card


def _plan_as_text(view: JobView) -> Block:
    return section("\n".join(jobs("task", task=task) for task in view.tasks))


# --- the thread, the failure channel, receipts -------------------------------------------------------------------


def stages(view: JobView, events: Sequence[JobEvent]) -> Message | None:
    """One thread post for all of `events`; None if none of them is for the thread."""
    lines = stage_lines(view, events)
    shown = fitting([cut(line, LINE_LIMIT) for line in reversed(lines)], THREAD_LIMIT)
    left_out = [jobs("left_out", count=len(lines) - shown)] if shown < len(lines) else []
    return text_message("\n".join([*left_out, *(cut(line, LINE_LIMIT) for line in lines[-shown:])])) if lines else None


def stage_lines(view: JobView, events: Sequence[JobEvent]) -> list[str]:
    """A line for each of `events` that is for the thread."""
    return [line for event in events if (line := _thread_line(view, event))]


def _thread_line(view: JobView, event: JobEvent) -> str:
    match event.kind:
        case EventKind.DONE:
            return jobs("done", stage=view.operation.stage(event.stage), result=event.detail, seconds=event.seconds)
        case EventKind.RETRYING | EventKind.WAITING:
            return jobs("waits", detail=event.detail)
        case EventKind.FAILED:
            return jobs("failure_line", detail=event.detail)
        case EventKind.SUPERSEDED:
            return jobs("stopped", later=_later(view))
        case EventKind.FORGOTTEN:
            return jobs("forgotten", v=view)
        case EventKind.QUEUED | EventKind.STARTED | EventKind.SUCCEEDED:
            return ""


def failure(view: JobView, offers: Sequence[Offer], thread_url: str) -> Message:
    """For the failure channel: what happened, why, the log's end, and buttons. `thread_url` may be ''."""
    headline = f"{jobs('failure', v=view)} {verbs[view.job.kind]('fate', v=view) if view.current else ''}".strip()
    problem = view.job.problem
    text = f"{headline} {shared('problem', p=problem)}" if problem else headline
    retry = offers_block(view.of, [offer for offer in offers if offer.in_failure_channel]) if view.current else None
    shown: list[Block | None] = [
        section(f":rotating_light: {headline}"),
        *(sections(jobs("problem", p=problem)) if problem else []),
        blocks.log(problem.log_tail) if problem and problem.log_tail else None,
        context(jobs("failure_link", url=thread_url)) if thread_url else None,
        retry or section(jobs("failure_over", v=view)),
        context(jobs("footer", v=view)),
    ]
    return message(text, shown)


def failed_night(failed: Sequence[Job]) -> Message:
    """For the failure channel: what else failed in a night, and the last one's problem."""
    last = failed[-1]
    stores = enumerate_some(dict.fromkeys(job.store for job in failed), NAMES_LIMIT)
    text = jobs("night", count=len(failed), stores=stores, operation=OPERATIONS[last.kind], job=last)
    problem = sections(jobs("problem", p=last.problem)) if last.problem else []
    return message(text, [section(f":rotating_light: {text}"), *problem, context(jobs("after_night", kind=last.kind))])


def receipt(store: Store, link: OneTimeLink) -> Message:
    """For the owner: somebody used a one-time link."""
    text = credentials(f"receipt_of_{link.purpose}", store=store, link=link)
    return message(text, [section(text), context(credentials(f"advice_after_{link.purpose}", store=store))])


def transferred(store: Store, reader: str, actor: str) -> Message:
    """For a store's new owner, or for the former one."""
    return text_message(
        transfer("for_new_owner" if reader == store.owner else "for_former_owner", store=store, actor=actor)
    )


def transfer_answer(store: Store) -> Message:
    """The answer to a transfer: whose store it is now."""
    return text_message(transfer("answer", store=store))


def moved_aside(name: str, url: str, moved: Moved) -> Message:
    """For the person who ordered in a channel where we may not post; `url` leads to the message, '' if not known."""
    return text_message(refused("moved_aside", name=name, url=url, m=moved))


def held_back(name: str, word: str) -> Message:
    """For the person who ordered, while Slack refuses our messages wherever we post them."""
    return text_message(refused("held_back", name=name, word=word))


def refused_messages(given_up: RefusedMessages) -> Message:
    """For the failure channel: messages that were given up, and what to do."""
    text, next_step = refused("given_up", r=given_up), refused("next_step", r=given_up)
    return message(f"{text} {next_step}", [section(f":rotating_light: {text}"), section(next_step)])


def expiry_notice(notice: ExpiryNotice) -> Message:
    """For the owner and the thread: the store's end comes, or has come."""
    text, store = expiry("notice", n=notice), notice.store
    if not notice.current:
        return text_message(text)
    value = f"{store.id}/{notice.end}"
    extend = button(EXTEND_ACTION, expiry("extend", store=store), store.name, value, style="primary")
    keep = [button(KEEP_ACTION, expiry("keep"), store.name, value)] if notice.may_keep else []
    return message(text, [section(f":hourglass: {text}"), ActionsBlock(elements=[extend, *keep])])


def extended(store: Store) -> Message:
    """The answer to an extension: when the store ends now."""
    return text_message(expiry("answer", store=store))


# --- answers -----------------------------------------------------------------------------------------------------


def answer(kind: JobKind, **values: object) -> Message:
    """The immediate answer to an order."""
    return text_message(verbs[kind]("answer", **values))


def retrying(job: Job) -> Message:
    """The immediate answer to a retry."""
    return text_message(answers("retrying", name=job.store))


@singledispatch
def refusal(error: Refused) -> Message:
    """The answer to a refused request."""
    return text_message(answers("refusal", p=error.problem))


@refusal.register
def _(error: NotAllowed) -> Message:
    return text_message(answers("not_allowed", store=error.store, owner=error.owner))


@refusal.register
def _(error: StoreDeleted) -> Message:
    facts = {"store": error.store, "by": error.deleted_by, "at": error.deleted_at, "until": error.kept_until}
    return text_message(answers("deleted", **facts))


@refusal.register
def _(error: LimitReached) -> Message:
    text = answers("refusal", p=error.problem)
    return text_message(f"{text} {answers('free_at', at=error.free_at)}" if error.free_at else text)


def unexpected(request_id: str) -> Message:
    """The answer to a request that failed with an error nobody planned for."""
    return text_message(answers("unexpected", id=request_id))


def credential_link(store: Store, url: str, expires_at: float) -> Message:
    """The link to the credentials, for one person."""
    return text_message(credentials("link", store=store, url=url, expires_at=expires_at))


def download_link(store: Store, backup: Backup, url: str, expires_at: float) -> Message:
    """The link that downloads a backup, for one person."""
    return text_message(credentials("download", store=store, b=backup, url=url, expires_at=expires_at))


def help_text(sections: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> Message:
    """Sections of (title, lines of (usage, text))."""
    parts = [answers("help_section", title=title, lines=lines) for title, lines in sections]
    return text_message("\n".join(parts))


def store_list(mine: StorePage, others: StorePage) -> Message:
    """The person's own stores first."""
    if not mine.total and not others.total:
        return text_message(answers("no_stores"))
    parts = _listed_stores(answers("mine", any=mine.total > 0), mine)
    if others.total:
        parts += _listed_stores(answers("others"), others, with_owners=True)
    listed = [*mine.stores, *others.stores][:LISTED]
    names = ", ".join(f"{store.name} ({store.status})" for store in listed)
    return message(answers("list_text", mine=mine.total, others=others.total, names=names), parts)


def chosen_stores(page: StorePage, owner: str = "", type: str = "", status: str = "") -> Message:
    """The stores of a person, of a type and with a status, where these are not ''."""
    title = answers("chosen", owner=owner, type=type, status=status)
    if not page.total:
        return text_message(answers("none_chosen", title=title))
    names = ", ".join(f"{store.name} ({store.status})" for store in page.stores)
    parts = _listed_stores(f"*{title}*", page, with_owners=not owner)
    return message(cut(f"{title}: {names}", LINE_LIMIT), parts)


def audit(page: AuditPage, name: str) -> Message:
    """The newest requests about the store called `name`, or about all that the person may manage."""
    if not page.total:
        return text_message(answers("no_requests", name=name))
    rows = [cut(answers("request", r=_readable(row), with_store=not name), LINE_LIMIT) for row in page.rows]
    text = answers("requests_text", name=name, count=page.total, newest=_readable(page.rows[0])["detail"])
    parts = _listed(answers("requests", name=name), rows, page.total, more="more_requests")
    return message(cut(text, LINE_LIMIT), parts)


def _readable(row: Row) -> Row:
    """The row with what people typed as one line each, which can't look like another row."""
    return row | {column: one_line(row[column]).replace("`", "'") for column in ("detail", "reason", "store")}


def answer_of(text: str, **values: Any) -> Message:
    """One of the answers of verbs that order nothing."""
    return text_message(answers(text, **values))


def store_log(store: Store, log: StoreLog) -> Message:
    """The end of a store's log, for the person who asked."""
    title, others = answers("log", store=store, log=log), answers("other_logs", store=store, log=log)
    box = blocks.log(log.text) if log.text else None
    return message(title, [section(title), box, context(others) if others else None])


def backups(store: Store, found: Sequence[Backup]) -> Message:
    """A store's backups, newest first."""
    if not found:
        return text_message(answers("no_backups", name=store.name))
    title, rows = answers("backups", name=store.name), [answers("backup", b=backup) for backup in found]
    text = "\n".join([title, *rows[: fitting(rows, LIST_LIMIT)]])
    verbs = ("restore", "restore_as_new", "export")
    actions = [button(verb, answers(verb), store.name, f"{store.id}/") for verb in verbs]
    return message(cut(text, LIST_LIMIT), [*_listed(title, rows, len(rows)), ActionsBlock(elements=actions)])


def _listed_stores(title: str, page: StorePage, *, with_owners: bool = False) -> list[Block | None]:
    rows = [answers("row", s=store, owner=store.owner if with_owners else None) for store in page.stores]
    return _listed(title, rows, page.total)


def _listed(title: str, rows: Sequence[str], total: int, more: str = "more") -> list[Block | None]:
    """The title, whole rows, and how many more of `total` there are: in the words of the text `more`."""
    shown = fitting(rows, LIST_LIMIT)
    left_out = total - shown
    return [
        *sections("\n".join([title, *rows[:shown]])),
        context(answers(more, count=left_out)) if left_out else None,
    ]


# --- a store by itself: on App Home, and when it has no job ------------------------------------------------------


def store_card(view: StoreView, offers: Sequence[Offer]) -> list[Block | None]:
    """A store's state, its problem and its buttons."""
    failed = view.last_job.problem if view.last_job and view.store.status == "failed" else None
    return [
        DividerBlock(),
        section(cut(home("store", v=view), CARD_LIMIT)),
        context(cut(shared("problem", p=failed), CARD_LIMIT)) if failed else None,
        offers_block(view, offers, f"store-{view.store.id}"),
    ]


def card(view: StoreView, offers: Sequence[Offer]) -> list[blocks.Json]:
    """Under a link to the store, for everybody in the channel: its state, owner and expiry, and nothing private."""
    shown = offers_block(view, [offer for offer in offers if offer.in_card], f"store-{view.store.id}")
    return blocks.as_json([section(home("card", v=view)), shown])


def store_alone(view: StoreView, offers: Sequence[Offer]) -> Message:
    """The status of a store without a job: it was adopted from the cluster."""
    return message(home("store", v=view), store_card(view, offers)[1:])
