"""`/store restore`: bring a store back from one of its backups, after a form said what is lost."""

from __future__ import annotations

from dataclasses import dataclass, replace

import click

from bot.commands.ordering import clicked_store, clone_from_terminal, form_store, order_clone
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, WAIT, YES, Terminal, TerminalCommand, require_name
from bot.dependencies import Dependencies
from bot.rendering import answers, forms
from bot.rendering.forms import RESTORE_FORM
from bot.rendering.offers import Offer, Placement
from bot.rendering.templating import TextTemplate, utc
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.restore import RESTORE, arguments_of
from provisioner.orders import OrderContext

texts = TextTemplate("verbs/restore")
INTO = "into="


@dataclass(frozen=True)
class Arguments:
    """A store's name, how the id of its backup begins ('' for the newest), and the name of a new store, or ''."""

    name: str
    backup: str = ""
    into: str = ""


def parse(words: Words) -> Arguments:
    """NAME [BACKUP] [into=NEW]. Raises NotUnderstood."""
    words.no_mentions()
    last = words.words[-1].lower() if words.words else ""
    into = last.removeprefix(INTO) if last.startswith(INTO) else ""
    before = words.first(len(words.words) - 1) if into else words
    return Arguments(*before.name_and_word(), into)


def run(dependencies: Dependencies, request: Request, arguments: Arguments) -> Response:
    """Ask first, or order a new store with the backup. Raises Refused."""
    store = dependencies.orders.lookup.managed(request.actor, arguments.name)
    if arguments.into:
        backup = dependencies.orders.lookup.backup(store, arguments.backup)
        return order_clone(dependencies, request, store, arguments.into, backup.id)
    return _ask(dependencies, request, store, arguments.backup)


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """Ask first. Raises Refused."""
    return _ask(dependencies, request, clicked_store(dependencies, request))


def _ask(dependencies: Dependencies, request: Request, store: Store, backup: str = "") -> Response:
    chosen = dependencies.orders.lookup.backup(store, backup)
    backups = dependencies.ledger.store_backups.of_store(store.id)
    form = forms.restore_form(store, backups, chosen, replace(request.form, store_id=store.id))
    return Response(form=form, store=store.name)


def submitted(dependencies: Dependencies, request: Request) -> Response:
    """Order the restore. Raises Refused."""
    store = form_store(dependencies, request)
    backup = dependencies.orders.lookup.backup(store, request.fields.get("backup", ""))
    arguments = arguments_of(backup, back_up_first=request.fields.get("first") != "no")
    job = dependencies.orders.place(request.order, RESTORE, store.id, arguments)
    return Response(message=answers.answer(RESTORE.kind, name=store.name, backup=backup), store=store.name, job=job)


def _from_terminal(
    terminal: Terminal, name: str, backup: str, back_up_first: bool, into: str, yes: bool, wait: bool
) -> None:
    def place(context: OrderContext) -> Job:
        store = terminal.orders.lookup.named(name)
        chosen = terminal.orders.lookup.backup(store, backup)
        if not yes:
            require_name(store, texts("confirm", store=store, when=utc(chosen.made_at)), "Nothing was changed.")
        arguments = arguments_of(chosen, back_up_first=back_up_first)
        return terminal.orders.place(context, RESTORE, store.id, arguments)

    if into:
        newest = terminal.orders.lookup.backup(terminal.orders.lookup.named(name), backup).id
        clone_from_terminal(terminal, name, into, newest, wait=wait)
    else:
        terminal.order(name, f"restore {name} {backup}".strip(), place, wait=wait)


COMMAND = Command(
    verb="restore",
    arguments="NAME [BACKUP] [into=NEW]",
    section=Section.MANAGE,
    help="bring a store back from its newest backup, or the one with this id; into=NEW creates a new store from it",
    example="restore my-shop",
    parse=parse,
    run=run,
    clicks={"restore": clicked},
    submissions={RESTORE_FORM: submitted},
    offers=(
        Offer(
            action_id="restore",
            label="Restore",
            when=lambda view: not view.busy and not view.asleep and not view.store.ending and bool(view.store.ready_at),
            placement=Placement.MENU,
            description="Bring it back to one of its backups. A form asks first.",
        ),
    ),
    terminal=TerminalCommand(
        help="Bring a store back from a backup.",
        parameters=(
            NAME,
            click.Argument(["backup"], default=""),
            click.Option(["--backup-first/--no-backup-first", "back_up_first"], default=True, help="Back it up first."),
            click.Option(["--into"], default="", metavar="NEW", help="Create a new store from the backup instead."),
            YES,
            WAIT,
        ),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
