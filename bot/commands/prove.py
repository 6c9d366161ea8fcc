"""`/store prove`: prove a store's newest backup by a restore into a copy, while the shop goes on."""

from __future__ import annotations

from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, WAIT, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering import answers
from provisioner.domain.errors import Refused
from provisioner.domain.job import Job
from provisioner.operations.prove import PROVE, arguments_of
from provisioner.orders import OrderContext, Orders


def run(dependencies: Dependencies, request: Request, name: str) -> Response:
    """Order it. Raises Refused."""
    job = _place(dependencies.orders, request.order, name)
    return Response(message=answers.answer(PROVE.kind, name=job.store), store=job.store, job=job)


def _place(orders: Orders, context: OrderContext, name: str) -> Job:
    store = orders.lookup.managed(context.actor, name)
    backup, store_type = orders.lookup.backup(store), orders.catalog.get(store.type)
    if store_type.proof is None:
        raise Refused(f"Backups of {store_type.label} stores can't be proven.", "Their chart describes no proof.")
    return orders.place(context, PROVE, store.id, arguments_of(backup))


def _from_terminal(terminal: Terminal, name: str, wait: bool) -> None:
    terminal.order(name, f"prove {name}", lambda context: _place(terminal.orders, context, name), wait=wait)


COMMAND = Command(
    verb="prove",
    arguments="NAME",
    section=Section.MANAGE,
    help="prove a store's newest backup: restore it into a copy, visit that as a shopper, and remove it",
    example="prove my-shop",
    parse=Words.name,
    run=run,
    terminal=TerminalCommand(
        help="Prove a store's newest backup by a restore into a copy.",
        parameters=(NAME, WAIT),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
