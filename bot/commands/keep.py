"""`/store keep`: let a store never expire."""

from __future__ import annotations

import click

from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.messages import KEEP_ACTION
from bot.rendering.terminal_text import plain
from provisioner.domain.store import Store
from provisioner.extensions import keep
from provisioner.orders import OrderContext


def run(dependencies: Dependencies, request: Request, name: str) -> Response:
    """Raises Refused."""
    orders = dependencies.orders
    return _answer(keep(orders, request.actor, orders.lookup.named(name).id, key=request.delivery_key))


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """Keep it, unless it got another end since the button was shown. Raises Refused."""
    store_id, _, end = request.value.partition("/")
    key = request.delivery_key
    return _answer(keep(dependencies.orders, request.actor, store_id, key=key, seen=end))


def _answer(store: Store) -> Response:
    return Response(message=answers.extended(store), store=store.name, reason="kept")


def _from_terminal(terminal: Terminal, name: str) -> None:
    def act(context: OrderContext) -> Store:
        orders = terminal.orders
        return keep(orders, context.actor, orders.lookup.named(name).id, key=context.delivery_key)

    click.echo(plain(answers.extended(terminal.audited(name, f"keep {name}", act)).text))


COMMAND = Command(
    verb="keep",
    arguments="NAME",
    section=Section.MANAGE,
    help="let a store live for good: it never expires",
    example="keep my-shop",
    parse=Words.name,
    run=run,
    clicks={KEEP_ACTION: clicked},
    terminal=TerminalCommand(
        help="Let a store live for good: it never expires.", parameters=(NAME,), run=_from_terminal
    ),
)
