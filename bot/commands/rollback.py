"""`/store rollback`: bring a store's release back to a former revision, after a form said what becomes of its data."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial

import click
from slack_sdk.models.views import View

from bot.commands.ordering import clicked_store, form_store
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, WAIT, YES, Terminal, TerminalCommand, require_name
from bot.dependencies import Dependencies
from bot.rendering import answers, forms, texts
from bot.rendering.form_context import FormContext
from bot.rendering.forms import ROLLBACK_FORM
from bot.rendering.offers import Offer, Placement
from bot.rendering.templating import TextTemplate
from provisioner.domain.errors import Refused
from provisioner.domain.job import Job
from provisioner.domain.revision import Way, way_to, ways_back
from provisioner.domain.store import Store
from provisioner.operations.rollback import ROLLBACK, arguments_of
from provisioner.operations.steps.revisions import read_revisions
from provisioner.orders import OrderContext

own_texts = TextTemplate("verbs/rollback")


@dataclass(frozen=True)
class Arguments:
    """A store's name, and the number of a revision; 0 for the one before the present."""

    name: str
    revision: int = 0


def parse(words: Words) -> Arguments:
    """NAME [REVISION]. Raises NotUnderstood."""
    name, number = words.name_and_word()
    if number and not re.fullmatch(r"[1-9][0-9]{0,8}", number):
        raise words.not_understood("The revision is a number, 1 or more.")
    return Arguments(name, int(number or 0))


def run(dependencies: Dependencies, request: Request, arguments: Arguments) -> Response:
    """Ask first. Raises Refused."""
    store = dependencies.orders.lookup.managed(request.actor, arguments.name)
    return _ask(dependencies, request, store, arguments.revision)


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """Ask first. Raises Refused."""
    return _ask(dependencies, request, clicked_store(dependencies, request))


def _ask(dependencies: Dependencies, request: Request, store: Store, revision: int = 0) -> Response:
    """Only helm knows the revisions, and Slack does not wait for the cluster."""
    dependencies.orders.require_possible(ROLLBACK, store)
    waiting = forms.waiting_form(own_texts("title"), own_texts("looking", store=store))
    context = replace(request.form, store_id=store.id)
    later = partial(_form, dependencies, store, revision, context)
    return Response(form=waiting, form_later=later, store=store.name)


def _form(dependencies: Dependencies, store: Store, revision: int, context: FormContext) -> View:
    """Raises Refused without a way back, Transient and JobFailed where the cluster does not say."""
    revisions = dependencies.read_revisions(store)
    backups = dependencies.ledger.store_backups.of_store(store.id)
    chosen = way_to(store.name, revisions, backups, revision)
    return forms.rollback_form(store, ways_back(store.name, revisions, backups), chosen, context)


def submitted(dependencies: Dependencies, request: Request) -> Response:
    """Order the rollback. The job finds out whether the way back is still one. Raises Refused."""
    store = form_store(dependencies, request)
    revision, version, present, id = (*request.fields.get("revision", "").split(" ", 3), "", "", "", "")[:4]
    with_data = id and request.fields.get("data") != "kept"
    backup = dependencies.orders.lookup.backup(store, id) if with_data else None
    if not re.fullmatch(r"[1-9][0-9]{0,8}", revision) or (backup and backup.version != version):
        raise Refused(texts.answers("outdated"))
    arguments = arguments_of(int(revision), version, present, backup)
    job = dependencies.orders.place(request.order, ROLLBACK, store.id, arguments)
    facts = {"name": store.name, "version": version, "revision": revision, "backup": backup}
    return Response(message=answers.answer(ROLLBACK.kind, **facts), store=store.name, job=job)


def _from_terminal(terminal: Terminal, name: str, revision: int | None, keep_data: bool, yes: bool, wait: bool) -> None:
    def place(context: OrderContext) -> Job:
        store = terminal.orders.lookup.named(name)
        terminal.orders.require_possible(ROLLBACK, store)
        way = _way(terminal, store, revision or 0)
        backup = None if keep_data else way.backup
        if not yes:
            require_name(store, own_texts("confirm", store=store, way=way, backup=backup), "Nothing was changed.")
        arguments = arguments_of(way.revision.number, way.revision.version, way.present, backup)
        return terminal.orders.place(context, ROLLBACK, store.id, arguments)

    terminal.order(name, f"rollback {name} {revision or ''}".strip(), place, wait=wait)


def _way(terminal: Terminal, store: Store, revision: int) -> Way:
    backups = terminal.ledger.store_backups.of_store(store.id)
    return way_to(store.name, read_revisions(terminal.toolbox, store), backups, revision)


COMMAND = Command(
    verb="rollback",
    arguments="NAME [REVISION]",
    section=Section.MANAGE,
    help="bring a store back to the version before, or this revision; its data too, from before the upgrade",
    example="rollback my-shop",
    parse=parse,
    run=run,
    clicks={"rollback": clicked},
    submissions={ROLLBACK_FORM: submitted},
    offers=(
        Offer(
            action_id="rollback",
            label="Roll back",
            when=lambda view: not view.busy and not view.asleep and not view.store.ending and view.reinstalled,
            placement=Placement.MENU,
            description="Bring it back to the version before. A form asks first.",
        ),
    ),
    terminal=TerminalCommand(
        help="Bring a store back to the version before, or to a revision.",
        parameters=(
            NAME,
            click.Argument(["revision"], type=click.IntRange(1), required=False),
            click.Option(["--keep-data"], is_flag=True, help="Leave the data as it is."),
            YES,
            WAIT,
        ),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
