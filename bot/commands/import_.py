"""`/store import`: give a person a link that uploads the archive of an export, which becomes a new store."""

from __future__ import annotations

import time
from os import SEEK_END
from threading import Thread
from typing import BinaryIO

import click

from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import Terminal, TerminalCommand, login_hint
from bot.dependencies import Dependencies
from bot.rendering import messages
from provisioner import one_time_links
from provisioner.domain.errors import Refused, Transient
from provisioner.domain.job import Job
from provisioner.imports import PART_BYTES, Part, order, send
from provisioner.operations.import_ import IMPORT
from provisioner.orders import OrderContext

AGAIN_SECONDS = 0.5


def run(dependencies: Dependencies, request: Request, name: str) -> Response:
    """A replayed request gets no second link. Raises Refused."""
    name = dependencies.orders.require_free(request.actor, name)
    if not dependencies.ledger.deliveries.is_first(request.delivery_key):
        raise Refused(messages.verbs[IMPORT.kind]("already_given", name=name))
    link = one_time_links.mint_upload(dependencies.ledger, name, request.actor.id, request.origin)
    url = f"{dependencies.public_url.rstrip('/')}/s/{link.id}/archive#{link.token}"
    message = messages.answer(IMPORT.kind, name=name, url=url, expires_at=link.expires_at)
    return Response(message=message, store=name, reason=f"link {link.id}")


def _from_terminal(terminal: Terminal, new: str, file: BinaryIO) -> None:
    length = file.seek(0, SEEK_END)

    def place(context: OrderContext) -> Job:
        job = order(terminal.orders, context, new, _part_of(file, 0, length))
        Thread(target=_upload, args=(terminal, job, file, length), name="upload", daemon=True).start()
        return job

    job = terminal.order(new, f"import {new}", place, wait=True)
    click.echo(login_hint(terminal.orders.existing_store(job.store_id)))


def _upload(terminal: Terminal, job: Job, file: BinaryIO, length: int) -> None:
    """Upload the archive while the terminal follows the job."""
    store, offset, shown = terminal.orders.existing_store(job.store_id), 0, 0
    while offset < length:
        try:
            offset = send(terminal.toolbox, terminal.orders, store, _part_of(file, offset, length))
        except Transient:
            time.sleep(AGAIN_SECONDS)
        except Refused:
            return  # the job has ended: its own message says why
        if (tenth := 10 * offset // length) > shown:
            shown = tenth
            click.echo(f"Uploaded {10 * tenth} %", err=True)


def _part_of(file: BinaryIO, offset: int, length: int) -> Part:
    file.seek(offset)
    return Part(file.read(PART_BYTES), offset, length)


COMMAND = Command(
    verb="import",
    arguments="NEW",
    section=Section.OPEN,
    help="create a store from the archive of an export, by a page that takes it",
    example="import my-shop",
    parse=Words.name,
    run=run,
    terminal=TerminalCommand(
        help="Create a store from the archive of an export.",
        parameters=(click.Argument(["new"]), click.Argument(["file"], type=click.File("rb"))),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
