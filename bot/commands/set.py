"""`/store set`: change what can be set of a store that exists, by the command or by a form that shows how it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import click

from bot.commands.ordering import clicked_store, form_store
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, WAIT, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering import answers, forms
from bot.rendering.forms import OPTION_PREFIX, SETTINGS_FORM
from bot.rendering.offers import Offer, Placement
from provisioner.domain.errors import BadOption
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.operations.set import SET
from provisioner.orders import OrderContext


@dataclass(frozen=True)
class Arguments:
    """A store's name, and the typed values by option id; the form asks if there are none."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)


def parse(words: Words) -> Arguments:
    """NAME [KEY=VALUE …]. Raises NotUnderstood."""
    count = words.first_option()
    return Arguments(words.first(count).name(), words.after(count).options())


def run(dependencies: Dependencies, request: Request, arguments: Arguments) -> Response:
    """Order the change, or open the form. Raises Refused."""
    store = dependencies.orders.lookup.managed(request.actor, arguments.name)
    if not arguments.values:
        return _ask(dependencies, request, store)
    return _order(dependencies, request, store, arguments.values)


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """Open the form. Raises Refused."""
    return _ask(dependencies, request, clicked_store(dependencies, request))


def _ask(dependencies: Dependencies, request: Request, store: Store) -> Response:
    store, settings = dependencies.orders.settings(request.actor, store.id)
    form = forms.settings_form(store, settings, replace(request.form, store_id=store.id))
    return Response(form=form, store=store.name, reason="asked for settings")


def submitted(dependencies: Dependencies, request: Request) -> Response:
    """Order the change, or show at a field why not. Raises Refused."""
    store = form_store(dependencies, request)
    try:
        return _order(dependencies, request, store, forms.chosen_options(request.fields))
    except BadOption as refusal:
        errors = {f"{OPTION_PREFIX}{refusal.option}": str(refusal.problem)}
        return Response(field_errors=errors, store=store.name, reason=str(refusal))


def _order(dependencies: Dependencies, request: Request, store: Store, values: Mapping[str, str]) -> Response:
    job = dependencies.orders.change(request.order, store.id, values)
    return Response(message=answers.answer(SET.kind, name=store.name, values=job.arguments), store=store.name, job=job)


def _from_terminal(terminal: Terminal, name: str, values: tuple[str, ...], wait: bool) -> None:
    def place(context: OrderContext) -> Job:
        typed = Words(" ".join((name, *values)).split(), f"storewright set {COMMAND.arguments}", terminal.catalog.types)
        arguments = parse(typed)
        store = terminal.orders.lookup.named(arguments.name)
        return terminal.orders.change(context, store.id, arguments.values)

    terminal.order(name, " ".join(("set", name, *values)), place, wait=wait)


COMMAND = Command(
    verb="set",
    arguments="NAME [KEY=VALUE …]",
    section=Section.MANAGE,
    help="change a store's settings, such as its memory; without any, open a form that shows them as they are",
    example="set my-shop",
    parse=parse,
    run=run,
    clicks={"set": clicked},
    submissions={SETTINGS_FORM: submitted},
    offers=(
        Offer(
            action_id="set",
            label="Settings",
            when=lambda view: view.ready and not view.busy and view.settable,
            placement=Placement.MENU,
            description="Change what can be set, such as its memory. A form shows how it is now.",
        ),
    ),
    terminal=TerminalCommand(
        help="Change a store's settings, such as: storewright set my-shop memory=1Gi",
        parameters=(NAME, click.Argument(["values"], nargs=-1, required=True, metavar="KEY=VALUE..."), WAIT),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
