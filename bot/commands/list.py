"""`/store list`: show all stores, or those of a person, a type or a status. On App Home: choose those that it shows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

import click

from bot.commands.request import Request, Response
from bot.commands.spec import Command, NotUnderstood, Section, Words
from bot.commands.terminal import JSON, Terminal, TerminalCommand
from bot.commands.typed import as_typed, person_in
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.home import FILTER_ACTION, NEXT_ACTION, PREVIOUS_ACTION
from bot.rendering.tables import MOST_ROWS
from bot.rendering.terminal_text import mark
from bot.rendering.texts import answers as answer_texts
from provisioner.domain.errors import Refused
from provisioner.domain.store import StoreStatus
from provisioner.domain.text import enumerate_words, shorten
from provisioner.ledger.homes import HomeChoice

LISTED_STATUSES = tuple(status.value for status in StoreStatus if status != StoreStatus.DELETED)
MARKS = {
    StoreStatus.READY: "ok",
    StoreStatus.ASLEEP: "ok",
    StoreStatus.FAILED: "wrong",
    StoreStatus.CREATING: "busy",
    StoreStatus.DELETING: "busy",
}


@dataclass(frozen=True)
class Filter:
    """Which stores are listed; '' for all. With `mine`, the owner is the person who asks."""

    owner: str = ""
    type: str = ""
    status: str = ""
    mine: bool = False

    @property
    def values(self) -> dict[str, str]:
        """The columns of the ledger that must have a value."""
        columns = {"owner": self.owner, "type": self.type, "status": self.status}
        return {column: value for column, value in columns.items() if value}


def parse(words: Words) -> Filter:
    """[mine | all | @person] [TYPE] [STATUS], in any order. Raises NotUnderstood."""
    found = Filter()
    for typed in words.words:
        word = typed.lower()
        if word == "mine":
            found = replace(found, mine=True)
        elif owner := person_in(typed):
            found = replace(found, owner=owner)
        elif word in words.types:
            found = replace(found, type=word)
        elif word in LISTED_STATUSES:
            found = replace(found, status=word)
        elif word != "all":
            what = f"“{shorten(as_typed(typed))}” is no person, store type or status."
            known = enumerate_words([*words.types, *LISTED_STATUSES, "mine", "all"])
            raise NotUnderstood(what, f"I know {known}.", f"Usage: {words.usage}")
    return found


def run(dependencies: Dependencies, request: Request, chosen: Filter) -> Response:
    """The chosen stores; without a choice the person's own stores, then those of others."""
    stores, person = dependencies.ledger.stores, request.actor.id
    if chosen.mine:
        chosen = replace(chosen, owner=person)
    if chosen.values:
        page = stores.matching(limit=MOST_ROWS, **chosen.values)
        return Response(message=answers.chosen_stores(page, **chosen.values), reason=f"listed {page.total}")
    mine = stores.page(person, limit=MOST_ROWS)
    others = stores.page(person, limit=MOST_ROWS, others=True)
    return Response(message=answers.store_list(mine, others), reason=f"listed {mine.total + others.total}")


def home_chosen(dependencies: Dependencies, request: Request) -> Response:
    """Show the chosen stores, or another page, on the person's App Home. Raises Refused."""
    try:
        choice = HomeChoice.of(request.value)
    except ValueError:
        raise Refused(answer_texts("outdated")) from None
    if choice.everyone and not request.actor.is_admin:
        raise Refused("Only admins see everyone's stores here.", "", "Type /store list to see who has which.")
    ledger = dependencies.ledger
    with ledger.transaction():
        if ledger.deliveries.is_first(request.delivery_key):
            ledger.homes.choose(request.actor.id, choice)
    return Response(audited=False)


def _from_terminal(terminal: Terminal, as_json: bool) -> None:
    stores = terminal.ledger.stores.all()
    if as_json:
        click.echo(json.dumps([asdict(store) for store in stores], indent=2))
        return
    if not stores:
        click.echo("There are no stores yet. Create the first: storewright create my-shop")
    for store in stores:
        sign = mark(MARKS.get(store.status, "unsure"))
        click.echo(f"{sign} {store.name:<30} {store.status:<9} {store.type:<12} {store.owner:<12} {store.url}")


COMMAND = Command(
    verb="list",
    arguments="[mine | @person] [TYPE] [STATUS]",
    section=Section.LOOK,
    help="show all stores; add mine, a person, a type or a status, such as asleep, to see only those",
    example="list",
    parse=parse,
    run=run,
    clicks={FILTER_ACTION: home_chosen, PREVIOUS_ACTION: home_chosen, NEXT_ACTION: home_chosen},
    terminal=TerminalCommand(help="Show all stores.", parameters=(JSON,), run=_from_terminal),
)
