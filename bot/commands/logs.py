"""`/store logs`: show the end of a store's log."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import click

from bot.commands.ordering import clicked_store
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.blocks import Message
from provisioner.domain.store import Store
from provisioner.logs import LINES, read_log

COMPONENT = click.Argument(["component"], required=False, default="")
HOW_MANY = click.Option(["--lines"], type=click.IntRange(1, 100_000), default=LINES, help="How many of the last lines.")


@dataclass(frozen=True)
class Arguments:
    """A store's name, and one of its components ('' for the application)."""

    name: str
    component: str = ""


def parse(words: Words) -> Arguments:
    """NAME [COMPONENT]. Raises NotUnderstood."""
    return Arguments(*words.name_and_word())


def run(dependencies: Dependencies, request: Request, arguments: Arguments) -> Response:
    """Only the person sees it: logs may have data of customers. Raises StoreNotFound or NotAllowed."""
    store = dependencies.orders.lookup.managed(request.actor, arguments.name)
    later = partial(_shown, dependencies, store, arguments.component)
    answer = answers.answer_of("reading_log", name=store.name)
    return Response(message=answer, later=later, store=store.name, reason="log shown")


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """The application's log. Raises StoreNotFound or NotAllowed."""
    return run(dependencies, request, Arguments(clicked_store(dependencies, request).name))


def _shown(dependencies: Dependencies, store: Store, component: str) -> Message:
    return answers.store_log(store, dependencies.read_log(store, component))


def _from_terminal(terminal: Terminal, name: str, component: str, lines: int) -> None:
    store = terminal.orders.lookup.named(name)
    terminal.note(store.name, f"logs {name} {component}".strip())
    click.echo(read_log(terminal.toolbox, store, component, lines).text)


COMMAND = Command(
    verb="logs",
    arguments="NAME [COMPONENT]",
    section=Section.LOOK,
    help="show the last lines of a store's log to you alone, of its application or of another component",
    example="logs my-shop",
    parse=parse,
    run=run,
    clicks={"logs": clicked},
    terminal=TerminalCommand(
        help="Print the end of a store's log.", parameters=(NAME, COMPONENT, HOW_MANY), run=_from_terminal
    ),
)
