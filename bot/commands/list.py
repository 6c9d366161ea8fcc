"""`/store list`: show all stores."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import JSON, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering import messages
from bot.rendering.messages import LISTED
from bot.rendering.terminal_text import mark
from provisioner.domain.store import StoreStatus

MARKS = {
    StoreStatus.READY: "ok",
    StoreStatus.ASLEEP: "ok",
    StoreStatus.FAILED: "wrong",
    StoreStatus.CREATING: "busy",
    StoreStatus.DELETING: "busy",
}


def run(dependencies: Dependencies, request: Request, arguments: None) -> Response:
    """The person's own stores, then those of others."""
    stores, person = dependencies.ledger.stores, request.actor.id
    mine = stores.page(person, limit=LISTED)
    others = stores.page(person, limit=LISTED, others=True)
    return Response(message=messages.store_list(mine, others), reason=f"listed {mine.total + others.total}")


def _from_terminal(terminal: Terminal, as_json: bool) -> None:
    stores = terminal.ledger.stores.all()
    if as_json:
        click.echo(json.dumps([asdict(store) for store in stores], indent=2))
        return
    if not stores:
        click.echo("There are no stores yet. Create the first: storewright create my-shop")
    for store in stores:
        sign = mark(MARKS.get(store.status, "unsure"))
        click.echo(f"{sign} {store.name:<30} {store.status:<9} {store.type:<12} {store.owner:<12} {store.url}")


COMMAND = Command(
    verb="list",
    arguments="",
    section=Section.LOOK,
    help="show all stores",
    example="list",
    parse=Words.no_more,
    run=run,
    terminal=TerminalCommand(help="Show all stores.", parameters=(JSON,), run=_from_terminal),
)
