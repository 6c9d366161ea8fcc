"""`/store create`: order a new store, with everything in the command or by a form."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

import click
from slack_sdk.models.views import View

from bot.commands.request import Request, Response
from bot.commands.spec import Command, HelpLines, NotUnderstood, Section, Words
from bot.commands.terminal import WAIT, Terminal, TerminalCommand, login_hint, require_slack_id
from bot.dependencies import Dependencies
from bot.rendering import answers, forms
from bot.rendering.forms import (
    CREATE_FORM,
    DEFAULT_LIFE,
    EXPIRY_BLOCK,
    NAME_ACTION,
    OPTION_PREFIX,
    TYPE_ACTION,
    Prefilled,
    Preflight,
)
from bot.rendering.home import CREATE_ACTION
from bot.rendering.templating import TextTemplate
from provisioner.domain.catalog import Catalog, StoreType
from provisioner.domain.errors import BadExpiry, BadOption, InvalidName, Refused, UnknownStoreType
from provisioner.domain.job import Job
from provisioner.domain.options import choose
from provisioner.domain.text import enumerate_words, shorten
from provisioner.ledger.audit import NAME_LIMIT
from provisioner.operations.create import CREATE
from provisioner.orders import OrderContext, StoreRequest

texts = TextTemplate("verbs/create")

TERMINAL = "terminal"
HISTORY = 100  # former creations that say how long the next one takes
EXPIRY_WORDS = ("for", "until")  # options of every type


@dataclass(frozen=True)
class CreateArguments:
    """`name` is '' if only a type was typed; `type` is None for the default type; `options` are the typed choices by
    option id; `expires` is how long or until when the store lives, '' for the default."""

    name: str
    type: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    expires: str = ""


# --- typed -------------------------------------------------------------------------------------------------------


def parse(words: Words) -> CreateArguments | None:
    """None for no words: the form asks. Raises NotUnderstood."""
    if not words.words:
        return None
    first_option = words.first_option()
    before, options = words.words[:first_option], words.after(first_option).options()
    if options.get("type", "").lower() in words.types:  # as in the form
        before.append(options.pop("type"))
    if not before:
        raise words.not_understood("The name of the store comes first, then its options.")
    before_options = replace(words, words=before)
    before_options.no_mentions()
    expires = _expires(words, options)
    name, type_name = _name_and_type(before_options)
    return CreateArguments(name, type_name, options, expires)


def _expires(words: Words, options: dict[str, str]) -> str:
    """Takes `for` and `until` out of the options. Raises NotUnderstood."""
    typed = {name: options.pop(name) for name in EXPIRY_WORDS if name in options}
    if len(typed) > 1:
        raise words.not_understood("Choose for= or until=, not both.")
    for name, text in typed.items():
        if not text:
            raise words.not_understood(f"A time is missing after {name}=.")
    return next(iter(typed.values()), "")


def _name_and_type(words: Words) -> tuple[str, str | None]:
    """The name, '' if there is only a type, and the type, None if there is only a name.

    A type is the last word, or the first. The last of two words is one too if a plain name comes before it, because it
    may be misspelt. Raises NotUnderstood."""
    typed, lower = words.words, [word.lower() for word in words.words]
    first, last, alone = lower[0], lower[-1], len(typed) == 1
    if first in words.verbs:
        did_you_mean = f"Usage: {words.usage}" if alone else f"Did you mean /store {shorten(' '.join(typed), 100)}?"
        raise NotUnderstood(f"“{first}” is a command.", "", did_you_mean)
    if last in words.types and (alone or (len(typed) == 2 and first in words.types)):
        return "", last
    if first in words.types and last not in words.types:
        return " ".join(typed[1:]), first
    if len(typed) > 2 and lower[1] in words.types:
        words.after(2).no_more()
    if last in words.types or (len(typed) == 2 and typed[0].islower()):
        return " ".join(typed[:-1]), last
    return " ".join(typed), None


def run(dependencies: Dependencies, request: Request, arguments: CreateArguments | None) -> Response:
    """Order the store, or open the form. Raises Refused."""
    if arguments is None:
        return open_form(dependencies, request)
    if not arguments.name:
        return _ask_name(dependencies, request, arguments)
    expires, zone = arguments.expires, dependencies.time_zone(request.actor.id, arguments.expires)
    store_request = StoreRequest(arguments.name, arguments.type, arguments.options, expires=expires, zone=zone)
    try:
        job = dependencies.orders.create(request.order, store_request)
    except UnknownStoreType as error:
        raise _with_option_as_hint(error, arguments.type or "", dependencies.catalog) from None
    return _ordered(dependencies, job)


def _with_option_as_hint(error: UnknownStoreType, word: str, catalog: Catalog) -> UnknownStoreType:
    """The error for a choice that was typed without its option, such as `usd`."""
    for option in catalog.default.asked:
        with suppress(BadOption):
            choice = option.short(option.pick(word))
            return UnknownStoreType(error.problem.what, "", f"Did you mean {option.id}={choice}?")
    return error


def _ordered(dependencies: Dependencies, job: Job) -> Response:
    store = dependencies.ledger.stores.get(job.store_id)
    label = dependencies.catalog.types[store.type].label if store else ""
    answer = answers.answer(CREATE.kind, name=job.store, label=label, url=store.url if store else "")
    return Response(message=answer, store=job.store, job=job)


# --- by the form -------------------------------------------------------------------------------------------------


def _ask_name(dependencies: Dependencies, request: Request, arguments: CreateArguments) -> Response:
    """The form with the typed type and options, and without a name. Raises UnknownStoreType or BadOption."""
    store_type = dependencies.catalog.get(arguments.type or "")
    chosen, question = choose(store_type.options, arguments.options), texts("ask_name", type=store_type.name)
    form = _form(dependencies, request, store_type, Prefilled("", chosen, question, arguments.expires, fresh=True))
    return Response(form=form, reason=f"asked for the name of a {store_type.name} store")


def open_form(dependencies: Dependencies, request: Request) -> Response:
    """The form, with the default type."""
    return Response(form=_form(dependencies, request, dependencies.catalog.default, Prefilled(fresh=True)))


def _form(dependencies: Dependencies, request: Request, store_type: StoreType, prefilled: Prefilled) -> View:
    orders = dependencies.orders
    preflight = _preflight(dependencies, request, store_type, prefilled.name)
    return forms.create_form(orders.catalog, orders.addresses, request.form, store_type, prefilled, preflight)


def _preflight(dependencies: Dependencies, request: Request, store_type: StoreType, name: str) -> Preflight:
    """What is known before the order: whether the name is free, what is left, and how long it takes."""
    orders, statistics = dependencies.orders, dependencies.ledger.statistics
    problem = ""
    try:
        free = orders.require_free(request.actor, name) if name else ""
    except Refused as refusal:
        free, problem = "", str(refusal.problem)
    return Preflight(
        address=orders.addresses.url(free) if free else "",
        problem=problem,
        owned=dependencies.ledger.stores.owned(request.actor.id),
        most=orders.limits.stores_per_person,
        seconds=statistics.seconds_of(CREATE.kind, store_type.name, HISTORY),
        expiry=orders.expiry,
        capacity=dependencies.capacity_for(store_type),
    )


def name_typed(dependencies: Dependencies, request: Request) -> Response:
    """Say whether a store may have the name, while it is typed; all values stay. Raises UnknownStoreType."""
    return replace(type_chosen(dependencies, request), audited=False)


def type_chosen(dependencies: Dependencies, request: Request) -> Response:
    """The form with the options of the chosen type; the other values stay. Raises UnknownStoreType."""
    store_type = dependencies.catalog.get(request.fields.get(TYPE_ACTION, ""))
    prefilled = Prefilled(
        request.fields.get("name", ""), forms.chosen_options(request.fields), expires=_chosen_life(request)
    )
    form = _form(dependencies, request, store_type, prefilled)
    return Response(form_update=form, reason=f"options of {store_type.name}")


def submitted(dependencies: Dependencies, request: Request) -> Response:
    """Order the store, or show at its field what is wrong."""
    name, chosen = request.fields.get("name", ""), forms.chosen_options(request.fields)
    try:
        store_type = dependencies.catalog.get(request.fields.get(TYPE_ACTION, ""))
        # A form that was submitted before it showed the type's own options may have those of another type.
        options = {option.id: chosen[option.id] for option in store_type.options if option.id in chosen}
        expires, zone = _chosen_life(request), dependencies.time_zone(request.actor.id, _chosen_life(request))
        store_request = StoreRequest(name, store_type.name, options, expires=expires, zone=zone)
        job = dependencies.orders.create(request.order, store_request)
    except Refused as refusal:
        errors = {_field_of(request, refusal): str(refusal.problem)}
        return Response(field_errors=errors, store=name[:NAME_LIMIT], reason=str(refusal))
    return _ordered(dependencies, job)


def _chosen_life(request: Request) -> str:
    chosen = request.fields.get(EXPIRY_BLOCK, DEFAULT_LIFE)
    return "" if chosen == DEFAULT_LIFE else chosen


def _field_of(request: Request, refusal: Refused) -> str:
    """The block id of the field that the refusal is about."""
    if isinstance(refusal, BadOption):
        blocks = {forms.option_of(block): block for block in request.fields if block.startswith(OPTION_PREFIX)}
        return blocks.get(refusal.option, "name")
    if isinstance(refusal, BadExpiry):
        return EXPIRY_BLOCK
    return TYPE_ACTION if isinstance(refusal, UnknownStoreType) else "name"


# --- help and terminal -------------------------------------------------------------------------------------------


def help_lines(catalog: Catalog) -> HelpLines:
    """One line for the form, one for the default type and one for each type with options."""
    lines = [
        ("/store create", "open a form with every choice"),
        ("/store create my-shop", f"create a {catalog.default.label} store called my-shop"),
        ("/store create my-shop for=3d", "create a store that expires in 3 days; until=friday works too"),
    ]
    for store_type in catalog.types.values():
        example, asked = f"/store create my-shop {store_type.name}", store_type.asked
        if asked:
            chosen = "".join(f" {option.id}={option.short(option.default or '')}" for option in asked[:2])
            names = enumerate_words(option.id for option in asked)
            lines.append((example + chosen, f"create a {store_type.label} store and choose its {names}"))
        elif store_type.name != catalog.default.name:
            lines.append((example, f"create a {store_type.label} store"))
    return lines


def _from_terminal(terminal: Terminal, words: tuple[str, ...], owner: str, wait: bool) -> None:
    detail = " ".join(("create", *words)) + ("" if owner == TERMINAL else f" --owner {owner}")

    def place(context: OrderContext) -> Job:
        arguments = parse(Words(" ".join(words).split(), COMMAND.usage, terminal.catalog.types))
        if arguments is None or not arguments.name:
            is_type = f"“{arguments.type}” is a type." if arguments else ""
            raise InvalidName("The store needs a name.", is_type, f"Usage: {COMMAND.usage}")
        if owner != TERMINAL:
            require_slack_id(owner)
        request = StoreRequest(arguments.name, arguments.type, arguments.options, owner, arguments.expires)
        return terminal.orders.create(context, request)

    job = terminal.order(words[0], detail, place, wait=wait)
    if wait:
        click.echo(login_hint(terminal.orders.lookup.existing(job.store_id)))


COMMAND = Command(
    verb="create",
    arguments="NAME [TYPE] [OPTION=CHOICE …]",
    section=Section.OPEN,
    help="create a store; without a name, open a form with every choice",
    example="create my-shop medusa currency=usd",
    parse=parse,
    run=run,
    clicks={CREATE_ACTION: open_form, TYPE_ACTION: type_chosen, NAME_ACTION: name_typed},
    submissions={CREATE_FORM: submitted},
    help_lines=help_lines,
    terminal=TerminalCommand(
        help="Create a store, such as: storewright create my-shop currency=usd",
        parameters=(
            click.Argument(["words"], nargs=-1, required=True, metavar="NAME [TYPE] [OPTION=CHOICE]... [for=3d]"),
            click.Option(["--owner"], default=TERMINAL, help="The Slack id of the store's owner, U…"),
            WAIT,
        ),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
