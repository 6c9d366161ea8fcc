"""Stories and stores -> Slack messages; pure, golden-tested. The words are in templates/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from slack_sdk.models.blocks import (
    Block,
    ButtonElement,
    ConfirmObject,
    DividerBlock,
    PlainTextObject,
    PlanBlock,
    RichTextBlock,
    RichTextElementParts,
    RichTextSectionElement,
    TaskCardBlock,
)

from bot.rendering import blocks
from bot.rendering.blocks import Message, button, context, message, said, section
from bot.rendering.job_view import JobView, Task, chosen_of, label_of, newer_than
from bot.rendering.templating import TextTemplate
from provisioner.domain.catalog import Catalog, StoreType
from provisioner.domain.errors import LimitReached, Refused
from provisioner.domain.job import EventKind, Job, JobEvent, JobKind
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.ledger import CredentialLink

root, stage_words, answers, home = (
    TextTemplate("summary"),
    TextTemplate("stages"),
    TextTemplate("answers"),
    TextTemplate("home"),
)
ask_upgrade, shared = TextTemplate("upgrade"), TextTemplate("shared")

LISTED = 20  # stores of each kind in /store list
TOLD_IN_THREAD = (EventKind.DONE, EventKind.RETRYING, EventKind.FAILED, EventKind.SUPERSEDED)


# --- the root message of a job, edited in place ------------------------------------------------------------------


def summary(s: JobView, moved_from: str = "") -> Message:
    """The job as it stands. `moved_from` is the channel that was meant, where this is told elsewhere."""
    headline = root(s.job.kind, s=s)
    problem = s.job.problem if s.phase == "failed" else None
    text = f"{headline} {shared('problem', p=problem)}" if problem else headline
    before = [section(headline), section(root("problem", p=problem)) if problem else None]
    setback = context(root("retrying", detail=s.setback)) if s.setback else None
    buttons = blocks.actions(summary_buttons(s))
    after = [context(root("moved", origin=moved_from)) if moved_from else None, context(root("footer", s=s))]

    def around(steps: Block) -> list[Block | None]:
        """While work goes on the steps come first, after it what can be done."""
        return [*before, steps, setback, buttons, *after] if s.job.live else [*before, buttons, steps, *after]

    facts = {"job": s.job.id, "kind": str(s.job.kind), "store": s.store.name, "status": str(s.job.status)}
    return replace(message(text, around(_plan(s)), around(_plan_in_words(s))), facts=facts)


def summary_buttons(s: JobView) -> list[ButtonElement]:
    """What can be done about the store now; nothing where a later job took over."""
    if not s.current or (s.job.kind == JobKind.DELETE and s.phase != "failed"):
        return []
    name, value = s.store.name, button_value(s.store, s.job)
    retry = [button("retry", name, value, style="primary")] if s.phase == "failed" else []
    if s.job.kind == JobKind.DELETE:
        return retry
    serves = s.store.status == StoreStatus.READY
    upgrade = upgrade_buttons(s.store, value, s.newer) if serves and s.phase == "ready" else []
    remove = button("delete", name, value, style=None if s.job.live else "danger")
    return [*retry, *(store_buttons(s.store, value) if serves else []), *upgrade, remove]


def upgrade_buttons(store: Store, value: str, newer: str) -> list[ButtonElement]:
    """One where the store's chart has a newer version; it asks before it does anything."""
    if not newer:
        return []
    ask = ConfirmObject(
        title=ask_upgrade("title", store=store),
        text=PlainTextObject(text=ask_upgrade("text", newer=newer)),
        confirm=ask_upgrade("confirm"),
        deny=ask_upgrade("deny"),
    )
    return [button("upgrade", store.name, value, confirm=ask)]


def store_buttons(store: Store, value: str) -> list[ButtonElement]:
    """The shop, its admin and the way in."""
    return [
        button("open_shop", store.name, value, url=store.url, style="primary"),
        button("open_admin", store.name, value, url=store.admin_url),
        button("credentials", store.name, value),
    ]


def button_value(store: Store, job: Job) -> str:
    """What a button carries, so that a stale one is recognised: the store and the job it was shown for."""
    return f"{store.id}/{job.id}"


def _plan(s: JobView) -> PlanBlock:
    tasks = [_task_card(s, task) for task in s.tasks]
    title = root("plan", done=sum(task.status == "complete" for task in s.tasks), all=len(tasks))
    return PlanBlock(title=title, tasks=tasks, block_id=f"plan-{s.job.id}")


def _task_card(s: JobView, task: Task) -> TaskCardBlock:
    title = stage_words("task", kind=s.job.kind, stage=task.stage)
    card = TaskCardBlock(task_id=f"{s.job.id}-{task.stage}", title=title, status=task.status)
    if task.seconds is not None:
        text = RichTextElementParts.Text(text=root("seconds", value=task.seconds))
        card.output = RichTextBlock(elements=[RichTextSectionElement(elements=[text])])
    return card


def _plan_in_words(s: JobView) -> Block:
    def line(task: Task) -> str:
        title = stage_words("task", kind=s.job.kind, stage=task.stage)
        return root("task", status=task.status, title=title, seconds=task.seconds)

    return section("\n".join(map(line, s.tasks)))


# --- what follows from it ----------------------------------------------------------------------------------------


def stages(s: JobView, events: Sequence[JobEvent]) -> Message | None:
    """One thread post for all of `events`; None where nothing among them is told in the thread."""
    lines = [
        stage_words("line", kind=s.job.kind, event=event, by=s.newest.requested_by)
        for event in events
        if event.kind in TOLD_IN_THREAD
    ]
    return said("\n".join(lines)) if lines else None


def failure(s: JobView, thread_url: str) -> Message:
    """For the failure channel: what, why, the log's end, and a way back in. `thread_url` may be ''."""
    headline, problem = root("failure", s=s), s.job.problem
    text = f"{headline} {shared('problem', p=problem)}" if problem else headline
    retry = [button("retry", s.store.name, button_value(s.store, s.job), style="primary")] if s.current else []
    shown: list[Block | None] = [
        section(f":rotating_light: {headline}"),
        section(root("problem", p=problem)) if problem else None,
        blocks.log(problem.log_tail) if problem and problem.log_tail else None,
        context(root("failure_link", url=thread_url)) if thread_url else None,
        blocks.actions(retry) or section(root("failure_over", s=s)),
        context(root("footer", s=s)),
    ]
    return message(text, shown)


def notice(store: Store, link: CredentialLink) -> Message:
    """For the owner: the credentials were opened."""
    text = root("notice", store=store, link=link)
    return message(text, [section(text), context(root("notice_advice", store=store))])


def moved_aside(name: str, url: str) -> Message:
    """For the person who asked in a channel where we may not post; `url` leads to the message."""
    return said(root("moved_aside", name=name, url=url))


# --- instant answers ---------------------------------------------------------------------------------------------


def creating(job: Job, label: str, url: str) -> Message:
    return said(answers("creating", job=job, label=label, url=url))


def upgrading(store: Store, kind: StoreType) -> Message:
    return said(answers("upgrading", store=store, label=kind.label, version=kind.version))


def ordered(job: Job, *, again: bool) -> Message:
    """A deletion, or another attempt (`again`), was ordered."""
    return said(answers("retrying" if again else "deleting", job=job))


def refusal(error: Refused) -> Message:
    text = answers("refusal", p=error.problem)
    if isinstance(error, LimitReached) and error.free_at:
        text += " " + answers("free_at", at=error.free_at)
    return said(text)


def unexpected(request_id: str) -> Message:
    return said(answers("unexpected", id=request_id))


def credentials(store: Store, url: str, expires_at: float) -> Message:
    return said(answers("credentials", store=store, url=url, expires_at=expires_at))


def help_text(catalog: Catalog) -> Message:
    return said(answers("help", default=catalog.default, types=list(catalog.types.values())))


def store_list(mine: Sequence[Store], others: Sequence[Store]) -> Message:
    """Mine first; at most LISTED of each."""
    if not mine and not others:
        return said(answers("no_stores"))
    parts: list[Block | None] = [section(answers("mine", stores=mine[:LISTED])), _more(mine)]
    if others:
        parts += [section(answers("others", stores=others[:LISTED])), _more(others)]
    names = ", ".join(f"{store.name} ({store.status})" for store in [*mine, *others][:LISTED])
    return message(answers("list_text", mine=len(mine), others=len(others), names=names), parts)


def _more(stores: Sequence[Store]) -> Block | None:
    return context(answers("more", count=len(stores) - LISTED)) if len(stores) > LISTED else None


# --- a store by itself: on App Home, and where no job tells of it --------------------------------------------------


def store_card(store: Store, job: Job | None, catalog: Catalog) -> list[Block | None]:
    """How a store is doing and what can be done about it; `job` is its newest, None for one found in the cluster."""
    value = button_value(store, job) if job else f"{store.id}/"
    remove = button("delete", store.name, value, style="danger")
    offered = {
        StoreStatus.READY: [
            *store_buttons(store, value),
            *upgrade_buttons(store, value, newer_than(catalog, store)),
            remove,
        ],
        StoreStatus.FAILED: [button("retry", store.name, value, style="primary"), remove] if job else [remove],
        StoreStatus.CREATING: [remove],
    }.get(store.status, [])
    failed = store.status == StoreStatus.FAILED and job and job.problem
    return [
        DividerBlock(),
        section(_store_line(store, catalog)),
        context(shared("problem", p=failed)) if failed else None,
        blocks.actions(offered, f"store-{store.id}"),
    ]


def store_alone(store: Store, catalog: Catalog) -> Message:
    """The status of a store that has no job here: it was found in the cluster."""
    return message(_store_line(store, catalog), store_card(store, None, catalog)[1:])


def _store_line(store: Store, catalog: Catalog) -> str:
    return home("store", s=store, described=[label_of(catalog, store.type), *chosen_of(catalog, store)])
