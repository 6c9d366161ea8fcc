"""`/store retry`: order a store's failed job again."""

from __future__ import annotations

from bot.commands.ordering import clicked_store
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, WAIT, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.job_view import StoreView
from bot.rendering.offers import Offer
from provisioner.domain.job import Job, JobStatus


def run(dependencies: Dependencies, request: Request, name: str) -> Response:
    """Raises Refused."""
    store = dependencies.orders.lookup.managed(request.actor, name)
    return _answer(dependencies.orders.retry_last(request.order_at(store.origin), store))


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """Raises Refused."""
    store = clicked_store(dependencies, request)
    job_id = request.value.partition("/")[2]
    return _answer(dependencies.orders.retry(request.order_at(store.origin), job_id))


def _answer(job: Job) -> Response:
    """The messages go where the store's first ones went: the button may be in the failure channel."""
    return Response(message=answers.retrying(job), store=job.store, job=job)


def _from_terminal(terminal: Terminal, name: str, wait: bool) -> None:
    store = terminal.orders.lookup.named(name)
    terminal.order(name, f"retry {name}", lambda context: terminal.orders.retry_last(context, store), wait=wait)


def _failed(view: StoreView) -> bool:
    return bool(view.last_job and view.last_job.status == JobStatus.FAILED)


COMMAND = Command(
    verb="retry",
    arguments="NAME",
    section=Section.MANAGE,
    help="try a store's failed job again",
    example="retry my-shop",
    parse=Words.name,
    run=run,
    clicks={"retry": clicked},
    offers=(
        Offer(action_id="retry", label="Retry", when=_failed, style=lambda view: "primary", in_failure_channel=True),
    ),
    terminal=TerminalCommand(
        help="Try a store's failed job again.", parameters=(NAME, WAIT), run=_from_terminal, runs_jobs=True
    ),
)
