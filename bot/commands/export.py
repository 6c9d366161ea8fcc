"""`/store export`: give a person a link that downloads one of a store's backups once."""

from __future__ import annotations

from dataclasses import dataclass

from bot.commands.ordering import clicked_store
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.dependencies import Dependencies
from bot.rendering import messages
from provisioner import one_time_links
from provisioner.domain.errors import Refused
from provisioner.domain.store import Store


@dataclass(frozen=True)
class Arguments:
    """A store's name, and how the id of its backup begins ('' for the newest)."""

    name: str
    backup: str = ""


def parse(words: Words) -> Arguments:
    """NAME [BACKUP]. Raises NotUnderstood."""
    words.no_mentions()
    words.after(2).no_more()
    return Arguments(words.first(1).name(), "".join(words.words[1:]).lower())


def run(dependencies: Dependencies, request: Request, arguments: Arguments) -> Response:
    """Raises Refused."""
    store = dependencies.orders.managed_store(request.actor, arguments.name)
    return _link(dependencies, request, store, arguments.backup)


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """A link for the newest backup. Raises Refused."""
    return _link(dependencies, request, clicked_store(dependencies, request))


def _link(dependencies: Dependencies, request: Request, store: Store, backup: str = "") -> Response:
    """A replayed request gets no second link."""
    chosen = dependencies.orders.backup(store, backup)
    if not dependencies.ledger.deliveries.is_first(request.delivery_key):
        raise Refused(messages.credentials("already_given_download", store=store))
    link = one_time_links.mint(dependencies.ledger, store, request.actor.id, chosen.id)
    url = f"{dependencies.public_url.rstrip('/')}/s/{link.id}/backup#{link.token}"
    message = messages.download_link(store, chosen, url, link.expires_at)
    return Response(message=message, store=store.name, reason=f"link {link.id}")


COMMAND = Command(
    verb="export",
    arguments="NAME [BACKUP]",
    section=Section.MANAGE,
    help="download a store's newest backup, or the one with this id: its database and its uploads in one archive",
    example="export my-shop",
    parse=parse,
    run=run,
    clicks={"export": clicked},
    terminal=None,  # an operator reads the backup with restic
)
