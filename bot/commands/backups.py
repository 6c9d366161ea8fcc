"""`/store backups`: list a store's backups."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import JSON, NAME, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.terminal_text import plain


def run(dependencies: Dependencies, request: Request, name: str) -> Response:
    """The store's backups, newest first. Raises StoreNotFound or NotAllowed."""
    store = dependencies.orders.lookup.managed(request.actor, name)
    found = dependencies.ledger.store_backups.of_store(store.id)
    return Response(message=answers.backups(store, found), store=store.name, reason=f"listed {len(found)}")


def _from_terminal(terminal: Terminal, name: str, as_json: bool) -> None:
    store = terminal.orders.lookup.named(name)
    found = terminal.ledger.store_backups.of_store(store.id)
    if as_json:
        click.echo(json.dumps([asdict(backup) for backup in found], indent=2))
    else:
        click.echo(plain(answers.backups(store, found).text))


COMMAND = Command(
    verb="backups",
    arguments="NAME",
    section=Section.LOOK,
    help="list a store's backups: when, why, what they hold and how large they are",
    example="backups my-shop",
    parse=Words.name,
    run=run,
    terminal=TerminalCommand(help="List a store's backups.", parameters=(NAME, JSON), run=_from_terminal),
)
