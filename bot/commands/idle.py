"""`/store idle`: say after how long without a shopper a store goes to sleep."""

from __future__ import annotations

import click

from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.blocks import Message
from bot.rendering.terminal_text import plain
from provisioner.domain.store import Store
from provisioner.idle_times import idleness_of, set_idle_time
from provisioner.orders import OrderContext, Orders


def parse(words: Words) -> tuple[str, str]:
    """NAME TIME. Raises NotUnderstood."""
    name, time = words.name_and_word()
    if not time:
        raise words.not_understood("The time is missing.")
    return name, time


def run(dependencies: Dependencies, request: Request, arguments: tuple[str, str]) -> Response:
    """Raises Refused."""
    orders, (name, time) = dependencies.orders, arguments
    store = set_idle_time(orders, request.actor, orders.lookup.named(name).id, time)
    return Response(message=_answer(orders, store), store=store.name, reason=f"idle after {time}")


def _answer(orders: Orders, store: Store) -> Message:
    return answers.idle_time(store, idleness_of(orders, store))


def _from_terminal(terminal: Terminal, name: str, time: str) -> None:
    def act(context: OrderContext) -> Store:
        return set_idle_time(terminal.orders, context.actor, terminal.orders.lookup.named(name).id, time)

    click.echo(plain(_answer(terminal.orders, terminal.audited(name, f"idle {name} {time}", act)).text))


COMMAND = Command(
    verb="idle",
    arguments="NAME 8h | never | default",
    section=Section.MANAGE,
    help="put a store to sleep once no shopper has come for so long, or never",
    example="idle my-shop 8h",
    parse=parse,
    run=run,
    terminal=TerminalCommand(
        help="Put a store to sleep once no shopper has come for so long, or never: storewright idle my-shop 8h",
        parameters=(NAME, click.Argument(["time"], metavar="8h|never|default")),
        run=_from_terminal,
    ),
)
