"""`/store undelete`: bring a deleted store back, with all its data."""

from __future__ import annotations

from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, WAIT, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.job_view import StoreView
from bot.rendering.offers import Offer
from provisioner.domain.job import Job
from provisioner.domain.store import StoreStatus
from provisioner.operations.delete import FOR_GOOD
from provisioner.operations.steps.backup_job import arguments_for
from provisioner.operations.undelete import UNDELETE
from provisioner.orders import OrderContext, Orders


def run(dependencies: Dependencies, request: Request, name: str) -> Response:
    """Order it. Raises Refused."""
    return _answer(_order(dependencies.orders, request.order, dependencies.orders.lookup.kept(name).id))


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """Order it. Raises Refused."""
    return _answer(_order(dependencies.orders, request.order, request.value.partition("/")[0]))


def _order(orders: Orders, context: OrderContext, store_id: str) -> Job:
    store = orders.lookup.known(store_id)
    return orders.place(context, UNDELETE, store.id, arguments_for(orders.lookup.backup(store)))


def _answer(job: Job) -> Response:
    return Response(message=answers.answer(UNDELETE.kind, name=job.store), store=job.store, job=job)


def _from_terminal(terminal: Terminal, name: str, wait: bool) -> None:
    orders = terminal.orders
    terminal.order(
        name, f"undelete {name}", lambda context: _order(orders, context, orders.lookup.kept(name).id), wait=wait
    )


def _can_be_undeleted(view: StoreView) -> bool:
    gone_for_good = view.last_job and view.last_job.arguments == FOR_GOOD
    return view.store.status == StoreStatus.DELETED and bool(view.store.kept_until) and not gone_for_good


COMMAND = Command(
    verb="undelete",
    arguments="NAME",
    section=Section.MANAGE,
    help="bring a deleted store back with all its data, at the same address; possible for some days",
    example="undelete my-shop",
    parse=Words.name,
    run=run,
    clicks={"undelete": clicked},
    offers=(Offer(action_id="undelete", label="Undelete", when=_can_be_undeleted),),
    terminal=TerminalCommand(
        help="Bring a deleted store back with all its data.",
        parameters=(NAME, WAIT),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
