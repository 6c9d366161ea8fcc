"""`/store extend`: let a store live longer."""

from __future__ import annotations

from dataclasses import dataclass

import click

from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.messages import EXTEND_ACTION
from bot.rendering.terminal_text import plain
from provisioner.domain.store import Store
from provisioner.extensions import extend
from provisioner.orders import OrderContext


@dataclass(frozen=True)
class Arguments:
    """A store's name, and by how long or until when it is extended; '' for as long as it was to live."""

    name: str
    time: str


def parse(words: Words) -> Arguments:
    """NAME [DURATION | until=TIME]. Raises NotUnderstood."""
    time = " ".join(words.words[1:])
    for prefix in ("for=", "until=", "until "):
        time = time.removeprefix(prefix)
    return Arguments(words.first(1).name(), time.strip())


def run(dependencies: Dependencies, request: Request, arguments: Arguments) -> Response:
    """Raises Refused."""
    orders = dependencies.orders
    store = orders.lookup.named(arguments.name)
    zone = dependencies.time_zone(request.actor.id, arguments.time)
    return _answer(extend(orders, request.actor, store.id, arguments.time, key=request.delivery_key, zone=zone))


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """Extend it, unless it got another end since the button was shown. Raises Refused."""
    store_id, _, end = request.value.partition("/")
    orders, key = dependencies.orders, request.delivery_key
    return _answer(extend(orders, request.actor, store_id, "", key=key, seen=end))


def _answer(store: Store) -> Response:
    return Response(message=answers.extended(store), store=store.name, reason=f"expires {store.expires_at}")


def _from_terminal(terminal: Terminal, name: str, time: tuple[str, ...]) -> None:
    arguments = parse(Words([name, *time], COMMAND.usage, ()))

    def act(context: OrderContext) -> Store:
        orders = terminal.orders
        store = orders.lookup.named(arguments.name)
        return extend(orders, context.actor, store.id, arguments.time, key=context.delivery_key)

    extended = terminal.audited(name, f"extend {name} {' '.join(time)}".strip(), act)
    click.echo(plain(answers.extended(extended).text))


COMMAND = Command(
    verb="extend",
    arguments="NAME [3d | until=friday]",
    section=Section.MANAGE,
    help="let a store live longer, or until another day",
    example="extend my-shop 3d",
    parse=parse,
    run=run,
    clicks={EXTEND_ACTION: clicked},
    terminal=TerminalCommand(
        help="Let a store live longer, such as: storewright extend my-shop 3d",
        parameters=(NAME, click.Argument(["time"], nargs=-1, metavar="[3d | until=friday]")),
        run=_from_terminal,
    ),
)
