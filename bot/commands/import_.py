"""`/store import`: give a person a link that uploads the archive of an export, which becomes a new store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from threading import Thread
from typing import BinaryIO

import click

from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import Terminal, TerminalCommand, login_hint
from bot.dependencies import Dependencies
from bot.rendering import answers, texts
from provisioner import one_time_links
from provisioner.domain.errors import Refused, Transient
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.domain.text import size
from provisioner.imports import PART_BYTES, Part, order, send
from provisioner.operations.import_ import IMPORT
from provisioner.orders import OrderContext

AGAIN_SECONDS = 0.5
SHOWN_SECONDS = 5.0  # between two lines about an upload


def run(dependencies: Dependencies, request: Request, name: str) -> Response:
    """A replayed request gets no second link. Raises Refused."""
    name = dependencies.orders.require_free(request.actor, name)
    if not dependencies.ledger.deliveries.is_first(request.delivery_key):
        raise Refused(texts.verbs[IMPORT.kind]("already_given", name=name))
    link = one_time_links.mint_upload(dependencies.ledger, name, request.actor.id, request.origin)
    url = link.url(dependencies.public_url, "/archive")
    message = answers.answer(IMPORT.kind, name=name, url=url, expires_at=link.expires_at)
    return Response(message=message, store=name, reason=f"link {link.id}")


def _from_terminal(terminal: Terminal, new: str, file: BinaryIO) -> None:
    parts = _parts_of(file)
    first = next(parts)

    def place(context: OrderContext) -> Job:
        job = order(terminal.orders, context, new, first)
        rest = chain([first], parts)
        Thread(target=_upload, args=(terminal, job, rest), name="upload", daemon=True).start()
        return job

    job = terminal.order(new, f"import {new}", place, wait=True)
    click.echo(login_hint(terminal.orders.lookup.existing(job.store_id)))


def _parts_of(file: BinaryIO) -> Iterator[Part]:
    """The parts of a file or a pipe; the last one knows the length."""
    offset, content = 0, file.read(PART_BYTES)
    while following := file.read(PART_BYTES):
        yield Part(content, offset, None)
        offset, content = offset + len(content), following
    yield Part(content, offset, offset + len(content))


def _upload(terminal: Terminal, job: Job, parts: Iterator[Part]) -> None:
    """Upload the archive while the terminal follows the job, whose message says why if it ends early."""
    store = terminal.orders.lookup.existing(job.store_id)
    shown = time.monotonic()
    with suppress(Refused):
        for part in parts:
            while _sent(terminal, store, part) < part.end:
                time.sleep(AGAIN_SECONDS)
            if part.length or time.monotonic() - shown > SHOWN_SECONDS:
                shown = time.monotonic()
                click.echo(f"{size(part.end)} of the archive are uploaded.", err=True)


def _sent(terminal: Terminal, store: Store, part: Part) -> int:
    """How many bytes of the archive are there. Raises Refused if the job has ended."""
    try:
        return send(terminal.toolbox, terminal.orders, store, part)
    except Transient:
        return 0


COMMAND = Command(
    verb="import",
    arguments="NEW",
    section=Section.OPEN,
    help="create a store from the archive of an export, by a page that takes it",
    example="import my-shop",
    parse=Words.name,
    run=run,
    terminal=TerminalCommand(
        help="Create a store from FILE, the archive of an export; - is the standard input.",
        parameters=(click.Argument(["new"]), click.Argument(["file"], type=click.File("rb"))),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
