"""`/store audit`: show who did what to a store."""

from __future__ import annotations

from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section
from bot.dependencies import Dependencies
from bot.rendering import answers
from provisioner.domain.policy import Right
from provisioner.domain.store import Store

SHOWN = 20


def run(dependencies: Dependencies, request: Request, name: str | None) -> Response:
    """The newest requests about one store, or about all stores that the person may manage. Raises Refused."""
    log, actor = dependencies.ledger.audit, request.actor
    if name:
        store = _present_or_deleted(dependencies, name)
        actor.require(Right.MANAGE, store)
        page, about = log.page(SHOWN, [store]), store.name
    elif actor.is_admin:
        page, about = log.page(SHOWN), ""
    else:
        own = [store for store in dependencies.ledger.stores.all() if actor.may(Right.MANAGE, store)]
        page, about = log.page(SHOWN, own), ""
    return Response(message=answers.audit(page, about), store=about, reason=f"listed {page.total}")


def _present_or_deleted(dependencies: Dependencies, name: str) -> Store:
    """Raises StoreNotFound."""
    orders = dependencies.orders
    return orders.lookup.find(name) or orders.ledger.stores.last_deleted(name) or orders.lookup.named(name)


COMMAND = Command(
    verb="audit",
    arguments="[NAME]",
    section=Section.MANAGE,
    help="show who did what to a store, or to all stores that you may manage",
    example="audit my-shop",
    parse=lambda words: words.name() if words.words else None,
    run=run,
    terminal=None,  # `storewright audit` also exports and verifies: bot/cli/audit.py
)
