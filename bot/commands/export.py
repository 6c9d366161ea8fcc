"""`/store export`: give a person a link that downloads one of a store's backups once."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import BinaryIO

import click

from bot.commands.ordering import clicked_store
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering import answers, texts
from provisioner import one_time_links
from provisioner.domain.errors import Refused
from provisioner.domain.store import Store
from provisioner.exports import archive_of


@dataclass(frozen=True)
class Arguments:
    """A store's name, and how the id of its backup begins ('' for the newest)."""

    name: str
    backup: str = ""


def parse(words: Words) -> Arguments:
    """NAME [BACKUP]. Raises NotUnderstood."""
    return Arguments(*words.name_and_word())


def run(dependencies: Dependencies, request: Request, arguments: Arguments) -> Response:
    """Raises Refused."""
    store = dependencies.orders.lookup.managed(request.actor, arguments.name)
    return _link(dependencies, request, store, arguments.backup)


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """A link for the newest backup. Raises Refused."""
    return _link(dependencies, request, clicked_store(dependencies, request))


def _link(dependencies: Dependencies, request: Request, store: Store, backup: str = "") -> Response:
    """A replayed request gets no second link."""
    chosen = dependencies.orders.lookup.backup(store, backup)
    if not dependencies.ledger.deliveries.is_first(request.delivery_key):
        raise Refused(texts.credentials("already_given_download", store=store))
    link = one_time_links.mint(dependencies.ledger, store, request.actor.id, chosen.id)
    url = link.url(dependencies.public_url, "/backup")
    message = answers.download_link(store, chosen, url, link.expires_at)
    return Response(message=message, store=store.name, reason=f"link {link.id}")


def _from_terminal(terminal: Terminal, name: str, file: BinaryIO, backup: str) -> None:
    store = terminal.orders.lookup.named(name)
    chosen = terminal.orders.lookup.backup(store, backup)
    terminal.note(name, f"export {name} {backup}".strip())
    with click.progressbar(length=chosen.bytes, label=name, file=sys.stderr) as progress:
        for part in archive_of(terminal.toolbox, store, chosen):
            file.write(part)
            progress.update(len(part))


COMMAND = Command(
    verb="export",
    arguments="NAME [BACKUP]",
    section=Section.MANAGE,
    help="download a store's newest backup, or the one with this id: its database and its uploads in one archive",
    example="export my-shop",
    parse=parse,
    run=run,
    clicks={"export": clicked},
    terminal=TerminalCommand(
        help="Write a backup of a store to FILE, a tar archive; - is the standard output.",
        parameters=(
            NAME,
            click.Argument(["file"], type=click.File("wb")),
            click.Option(["--backup"], default="", metavar="ID", help="How the backup's id begins; the newest one."),
        ),
        run=_from_terminal,
    ),
)
