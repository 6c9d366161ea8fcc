"""`/store transfer`: give a store to another person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import click

from bot.commands.ordering import form_store
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, Terminal, TerminalCommand, require_slack_id
from bot.commands.typed import person_in
from bot.dependencies import Dependencies
from bot.rendering import answers, forms
from bot.rendering.forms import TRANSFER_FORM
from bot.rendering.terminal_text import plain
from provisioner.domain.errors import Refused
from provisioner.domain.store import Store
from provisioner.orders import OrderContext
from provisioner.transfers import transfer


@dataclass(frozen=True)
class Arguments:
    """A store's name, and the id of its new owner; '' if the form asks for the person."""

    name: str
    owner: str


def parse(words: Words) -> Arguments:
    """NAME [@person]. Raises NotUnderstood."""
    words.after(2).no_more()
    typed = "".join(words.words[1:])
    owner = person_in(typed)
    if typed and not owner and not typed.startswith("@"):  # Slack leaves a name as it is that nobody has
        raise words.not_understood("The new owner is missing: mention a person.")
    return Arguments(words.first(1).name(), owner)


def run(dependencies: Dependencies, request: Request, arguments: Arguments) -> Response:
    """Transfer the store, or ask for its new owner. Raises Refused."""
    store = dependencies.orders.lookup.managed(request.actor, arguments.name)
    if not arguments.owner:
        form = forms.transfer_form(store, replace(request.form, store_id=store.id))
        return Response(form=form, store=store.name, reason="asked for the new owner")
    return _transferred(dependencies, request, store, arguments.owner)


def submitted(dependencies: Dependencies, request: Request) -> Response:
    """Transfer the store, or show at the field why not. Raises StoreNotFound or NotAllowed."""
    store = form_store(dependencies, request)
    try:
        return _transferred(dependencies, request, store, request.fields.get("owner", ""))
    except Refused as refusal:
        return Response(field_errors={"owner": str(refusal.problem)}, store=store.name, reason=str(refusal))


def _transferred(dependencies: Dependencies, request: Request, store: Store, owner: str) -> Response:
    dependencies.people.require_colleague(owner)
    moved = transfer(dependencies.orders, request.actor, store.id, owner)
    return Response(message=answers.transfer_answer(moved), store=store.name, reason=f"transferred to {owner}")


def _from_terminal(terminal: Terminal, name: str, owner: str) -> None:
    def act(context: OrderContext) -> Store:
        require_slack_id(owner)
        store = terminal.orders.lookup.named(name)
        return transfer(terminal.orders, context.actor, store.id, owner)

    moved = terminal.audited(name, f"transfer {name} {owner}", act)
    click.echo(plain(answers.transfer_answer(moved).text))


COMMAND = Command(
    verb="transfer",
    arguments="NAME [@person]",
    section=Section.MANAGE,
    help="give a store to another person",
    example="transfer my-shop",
    parse=parse,
    run=run,
    submissions={TRANSFER_FORM: submitted},
    terminal=TerminalCommand(
        help="Give a store to the person with this Slack id.",
        parameters=(NAME, click.Argument(["owner"])),
        run=_from_terminal,
    ),
)
