"""`/store cancel`: end a store's queued or running job, and take back what it did."""

from __future__ import annotations

import click
from slack_sdk.models.blocks import ConfirmObject, PlainTextObject

from bot.commands.ordering import clicked_store
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, WAIT, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering.blocks import CONFIRM_LIMIT, cut, text_message
from bot.rendering.job_view import StoreView, read_job_view
from bot.rendering.messages import headline_of
from bot.rendering.offers import Offer
from bot.rendering.templating import TextTemplate
from bot.rendering.terminal_text import plain
from provisioner.cancellations import cancel
from provisioner.domain.catalog import Catalog
from provisioner.domain.job import Job, JobPhase, JobStatus
from provisioner.domain.store import StoreStatus
from provisioner.ledger.ledger import Ledger
from provisioner.operations.registry import OPERATIONS

texts = TextTemplate("cancel")


def run(dependencies: Dependencies, request: Request, name: str) -> Response:
    """Cancel the job of the store called `name`. Raises Refused."""
    store = dependencies.orders.lookup.named(name)
    return _answer(dependencies, cancel(dependencies.orders, request.order, store.id))


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """Cancel the job that the button was shown for, and no later one. Raises Refused."""
    store, job_id = clicked_store(dependencies, request), request.value.partition("/")[2]
    return _answer(dependencies, cancel(dependencies.orders, request.order, store.id, job_id))


def _answer(dependencies: Dependencies, job: Job) -> Response:
    message = text_message(_headline(dependencies.ledger, dependencies.catalog, job))
    return Response(message=message, store=job.store, reason=f"cancelled the {job.kind} {job.id}")


def _headline(ledger: Ledger, catalog: Catalog, job: Job) -> str:
    """What the job's message says now."""
    view = read_job_view(ledger, catalog, job.id)
    return headline_of(view) if view else ""


def _from_terminal(terminal: Terminal, name: str, wait: bool) -> None:
    store = terminal.orders.lookup.named(name)
    detail = f"cancel {name}"
    [job] = terminal.audited(name, detail, lambda context: [cancel(terminal.orders, context, store.id)])
    if not wait:
        click.echo(plain(_headline(terminal.ledger, terminal.catalog, job)))
    elif terminal.follow(job).status != JobStatus.CANCELLED:
        raise SystemExit(1)


def _can_be_cancelled(view: StoreView) -> bool:
    job = view.last_job
    if not job or not job.live or job.cancelled_by:
        return False
    return job.phase == JobPhase.FORWARD and OPERATIONS[job.kind].undo is not None


def _confirm(view: StoreView) -> ConfirmObject:
    operation = OPERATIONS[view.last_job.kind] if view.last_job else None
    removes = bool(operation and operation.status_when_cancelled == StoreStatus.DELETED)
    return ConfirmObject(
        title=texts("confirm_title"),
        text=PlainTextObject(
            text=cut(texts("confirm_text", store=view.store, operation=operation, removes=removes), CONFIRM_LIMIT)
        ),
        confirm=texts("confirm"),
        deny=texts("deny"),
    )


COMMAND = Command(
    verb="cancel",
    arguments="NAME",
    section=Section.MANAGE,
    help="end a store's queued or running job; what it did is taken back",
    example="cancel my-shop",
    parse=Words.name,
    run=run,
    clicks={"cancel": clicked},
    offers=(Offer(action_id="cancel", label="Cancel", when=_can_be_cancelled, confirm=_confirm),),
    terminal=TerminalCommand(
        help="End a store's queued or running job, and take back what it did.",
        parameters=(NAME, WAIT),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
