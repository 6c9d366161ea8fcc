"""`/store reset`: give a store's admin a new password."""

from __future__ import annotations

import click

from bot.commands.ordering import OperationVerb
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, WAIT, Terminal, TerminalCommand, login_hint
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.answers import RESET_ACTION
from bot.rendering.blocks import Message
from bot.rendering.messages import NOT_ME_ACTION
from bot.rendering.offers import Offer, Placement
from provisioner.disowned_links import disown
from provisioner.domain.store import Store
from provisioner.operations.reset import RESET


def _answer(dependencies: Dependencies, store: Store) -> Message:
    return answers.answer(RESET.kind, name=store.name)


def not_me(dependencies: Dependencies, request: Request) -> Response:
    """A receipt's reader does not know who opened a link. Raises Refused."""
    store_id, _, link_id = request.value.partition("/")
    job = disown(dependencies.orders, request.actor, store_id, link_id, origin=request.origin)
    return Response(message=answers.answer(RESET.kind, name=job.store), store=job.store, job=job)


def _from_terminal(terminal: Terminal, name: str, wait: bool) -> None:
    store = terminal.orders.lookup.named(name)
    terminal.order(name, f"reset {name}", lambda context: terminal.orders.place(context, RESET, store.id), wait=wait)
    if wait:
        click.echo(login_hint(store))


VERB = OperationVerb(RESET, _answer)
COMMAND = Command(
    verb="reset",
    arguments="NAME",
    section=Section.MANAGE,
    help="give a store's admin a new password, and end its logins; nothing else changes",
    example="reset my-shop",
    parse=Words.name,
    run=VERB.typed,
    clicks={RESET_ACTION: VERB.clicked, NOT_ME_ACTION: not_me},
    offers=(
        Offer(
            action_id=RESET_ACTION,
            label="Reset the password",
            when=lambda view: view.ready and not view.busy and view.may_reset,
            placement=Placement.MENU,
            description="Give its admin a new password, and end its logins. Nothing else changes.",
            confirm=lambda view: answers.confirm_reset(view.store),
        ),
    ),
    terminal=TerminalCommand(
        help="Give a store's admin a new password, and end its logins.",
        parameters=(NAME, WAIT),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
