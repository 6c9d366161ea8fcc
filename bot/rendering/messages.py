"""Job views, store views and refusals as Slack messages. Pure, tested against golden files; texts are in templates/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
from bot.rendering.opened_link import OpenedLink
from bot.rendering.refused import Moved, RefusedMessages
from bot.rendering.texts import credentials, expiry, home, idle, jobs, refused, shared, transfer, verbs
from provisioner.domain.job import EventKind, Job, JobEvent
from provisioner.domain.store import Store, StoreStatus
from provisioner.domain.text import enumerate_some
from provisioner.operations.registry import OPERATIONS
from provisioner.operations.wake import WAKE
from provisioner.store_usage import StoreUsage

EXTEND_ACTION, KEEP_ACTION, NOT_ME_ACTION = "extend", "keep", "not_me"
# Characters, so that no message gets too long as a whole.
THREAD_LIMIT, LINE_LIMIT = 10_000, 1000  # of one post in a thread, and of one line in it
NAMES_LIMIT = 1000  # of the stores in one message about many
CARD_LIMIT = 1000  # of a store on App Home, and of its problem


# --- the root message of a job, edited in place ------------------------------------------------------------------


def summary(view: JobView, offers: Sequence[Offer], moved: Moved | None = None) -> Message:
    """The job as it is now. `moved` says why it is not where it was ordered."""
    headline = headline_of(view)
    problem = view.job.problem if view.headline is Headline.FAILED else None
    results = _results(view)
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


def _results(view: JobView) -> list[str]:
    """What people should know of an ended job."""
    if view.headline not in (Headline.SUCCEEDED, Headline.FAILED, Headline.CANCELLED):
        return []
    came_too_late = view.job.cancelled_by and view.headline is Headline.SUCCEEDED
    return [*view.results, *([jobs("cancelled_too_late", v=view)] if came_too_late else [])]


def with_facts(shown: Message, view: StoreView, usage: StoreUsage | None = None) -> Message:
    """A store's message with its owner, age, version, addresses, idle time and usage, for who asks for its status."""
    rule = idle("facts", store=view.store, i=view.idleness) if view.idleness else ""
    used = home("usage", u=usage) if usage else ""
    facts = [context(text).to_dict() for text in (home("facts", v=view), used, rule) if text]
    return replace(shown, blocks=[*shown.blocks, *facts], simple=[*shown.simple, *facts])


def _backed_up(view: StoreView) -> Block | None:
    return context(home("backed_up", times=view.backups)) if view.backups else None


def _expires(store: Store) -> Block | None:
    return context(expiry("footer", store=store)) if store.expires_at and not store.ending else None


def headline_of(view: JobView) -> str:
    """The first sentence of the root message."""
    verb = verbs[view.job.kind]
    match view.headline:
        case Headline.SUCCEEDED if view.of.asleep and view.operation.status_when_succeeded == StoreStatus.READY:
            return jobs("asleep", v=view)  # it was paused quietly since
        case Headline.WORKING | Headline.SUCCEEDED:
            return verb(view.headline, v=view)
        case Headline.OUTDATED:
            return f"{verb('outdated', v=view)} {_later(view)}"
        case Headline.FAILED:
            failed = jobs("not_cancelled" if view.job.cancelled_by else "failed", v=view)
            return f"{failed} {verb('fate', v=view)}".strip()
        case Headline.CANCELLING:
            return jobs("cancelling", v=view)
        case Headline.CANCELLED:
            return f"{jobs('cancelled', v=view)} {verb('cancelled', v=view) if view.current else _later(view)}"
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
        case EventKind.CANCELLING:
            return jobs("cancelling_line", v=view)
        case EventKind.FORGOTTEN:
            return jobs("forgotten", v=view)
        case EventKind.QUEUED | EventKind.STARTED | EventKind.SUCCEEDED | EventKind.CANCELLED:
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


def receipt(opened: OpenedLink) -> Message:
    """For the owner: somebody used a one-time link. Where that can be answered by a new password, there is a button."""
    link, store = opened.link, opened.store
    text = credentials(f"receipt_of_{link.purpose}", store=store, link=link)
    if opened.reset:
        done = credentials("disowned", job=opened.reset)
        return message(f"{text} {done}", [section(text), section(done)])
    advice = context(credentials(f"advice_after_{link.purpose}", store=store, may_reset=opened.may_reset))
    value = f"{store.id}/{link.id}"
    not_me = button(NOT_ME_ACTION, credentials("not_me"), store.name, value, style="danger")
    return message(text, [section(text), advice, ActionsBlock(elements=[not_me]) if opened.may_reset else None])


def transferred(store: Store, reader: str, actor: str) -> Message:
    """For a store's new owner, or for the former one."""
    return text_message(
        transfer("for_new_owner" if reader == store.owner else "for_former_owner", store=store, actor=actor)
    )


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


def fell_asleep(view: JobView, offers: Sequence[Offer]) -> Message:
    """For the thread: no shopper came, so the store sleeps; or it did, and what came after it."""
    if not view.current:
        return text_message(f"{idle('fell_asleep_once', v=view)} {_later(view)}")
    text, wake = idle("fell_asleep", v=view), [offer for offer in offers if offer.action_id == WAKE.kind]
    return message(text, [section(f":zzz: {text}"), offers_block(view.of, wake)])


# --- a store by itself: on App Home, and when it has no job ------------------------------------------------------


def store_card(
    view: StoreView, offers: Sequence[Offer], *, with_problem: bool = True, with_owner: bool = False
) -> list[Block | None]:
    """A store's state, its problem and its buttons."""
    failed = view.last_job.problem if with_problem and view.last_job and view.store.status == "failed" else None
    return [
        DividerBlock(),
        section(cut(home("store", v=view, owner=view.store.owner if with_owner else ""), CARD_LIMIT)),
        context(cut(shared("problem", p=failed), CARD_LIMIT)) if failed else None,
        offers_block(view, offers, f"store-{view.store.id}"),
    ]


def card(view: StoreView, offers: Sequence[Offer]) -> list[blocks.Json]:
    """Under a link to the store, for everybody in the channel: its state, owner and expiry, and nothing private."""
    shown = offers_block(view, [offer for offer in offers if offer.in_card], f"store-{view.store.id}")
    return blocks.as_json([section(home("card", v=view)), shown])


def store_alone(view: StoreView, offers: Sequence[Offer]) -> Message:
    """The status of a store without a job: it was adopted from the cluster."""
    return message(home("store", v=view, owner=""), store_card(view, offers)[1:])
