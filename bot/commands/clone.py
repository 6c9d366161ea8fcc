"""`/store clone`: create a store with the data of another one, as it is now or as it was in a backup."""

from __future__ import annotations

from dataclasses import dataclass, replace

import click

from bot.commands.ordering import clicked_store, clone_from_terminal, form_store, order_clone
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, WAIT, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering import forms
from bot.rendering.forms import AS_IT_IS, CLONE_FORM
from bot.rendering.offers import Offer, Placement
from provisioner.domain.errors import Refused
from provisioner.ledger.audit import NAME_LIMIT


@dataclass(frozen=True)
class Arguments:
    """A store's name, and the name of its clone."""

    name: str
    new: str


def parse(words: Words) -> Arguments:
    """NAME NEW. Raises NotUnderstood."""
    words.no_mentions()
    name = words.first(1).name()
    if len(words.words) < 2:
        raise words.not_understood("The name of the new store is missing.")
    words.after(2).no_more()
    return Arguments(name, words.words[1].lower())


def run(dependencies: Dependencies, request: Request, arguments: Arguments) -> Response:
    """Order it. Raises Refused."""
    store = dependencies.orders.lookup.managed(request.actor, arguments.name)
    return order_clone(dependencies, request, store, arguments.new)


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """Ask for the name of a clone of the store as it is now. Raises Refused."""
    return _ask(dependencies, request, chosen=0)


def restored_as_new(dependencies: Dependencies, request: Request) -> Response:
    """Ask for the name of a clone of the newest backup. Raises Refused."""
    return _ask(dependencies, request, chosen=1)


def _ask(dependencies: Dependencies, request: Request, *, chosen: int) -> Response:
    store = clicked_store(dependencies, request)
    backups = dependencies.ledger.store_backups.of_store(store.id)
    context = replace(request.form, store_id=store.id)
    form = forms.clone_form(store, backups, dependencies.orders.addresses, context, chosen=chosen)
    return Response(form=form, store=store.name)


def submitted(dependencies: Dependencies, request: Request) -> Response:
    """Order it, or show at the field of the name what is wrong. Raises StoreNotFound or NotAllowed."""
    store, new = form_store(dependencies, request), request.fields.get("name", "")
    backup = request.fields.get("backup", AS_IT_IS)
    try:
        return order_clone(dependencies, request, store, new, "" if backup == AS_IT_IS else backup)
    except Refused as refusal:
        return Response(field_errors={"name": str(refusal.problem)}, store=new[:NAME_LIMIT], reason=str(refusal))


def _from_terminal(terminal: Terminal, name: str, new: str, wait: bool) -> None:
    clone_from_terminal(terminal, name, new, "", wait=wait)


COMMAND = Command(
    verb="clone",
    arguments="NAME NEW",
    section=Section.OPEN,
    help="create a store with all data of another one, and an address, a login and keys of its own",
    example="clone my-shop my-copy",
    parse=parse,
    run=run,
    clicks={"clone": clicked, "restore_as_new": restored_as_new},
    submissions={CLONE_FORM: submitted},
    offers=(
        Offer(
            action_id="clone",
            label="Clone",
            when=lambda view: view.ready and not view.busy,
            placement=Placement.MENU,
            description="Create a new store with its data. A form asks for the name.",
        ),
    ),
    terminal=TerminalCommand(
        help="Create a store with the data of another one.",
        parameters=(NAME, click.Argument(["new"]), WAIT),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
