"""`/store credentials`: give a person a link that shows a store's admin credentials once."""

from __future__ import annotations

from bot.commands.ordering import clicked_store
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.dependencies import Dependencies
from bot.rendering import answers, texts
from bot.rendering.offers import Offer
from provisioner import one_time_links
from provisioner.domain.errors import Refused
from provisioner.domain.store import Store
from provisioner.operations.registry import OPERATIONS
from provisioner.order_rules import busy


def run(dependencies: Dependencies, request: Request, name: str) -> Response:
    """Raises Refused."""
    return _link(dependencies, request, dependencies.orders.lookup.managed(request.actor, name))


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """Raises Refused."""
    return _link(dependencies, request, clicked_store(dependencies, request))


def _link(dependencies: Dependencies, request: Request, store: Store) -> Response:
    """A replayed request gets no second link."""
    if store.ready_at is None:
        raise Refused(texts.credentials("not_ready", store=store))
    live = dependencies.ledger.jobs.live(store.id)
    if live and OPERATIONS[live.kind].resets_login:
        raise busy(store, live)
    if not dependencies.ledger.deliveries.is_first(request.delivery_key):
        raise Refused(texts.credentials("already_given"))
    link = one_time_links.mint(dependencies.ledger, store, request.actor.id)
    url = link.url(dependencies.public_url)
    message = answers.credential_link(store, url, link.expires_at, may_reset=dependencies.orders.may_reset(store))
    return Response(message=message, store=store.name, reason=f"link {link.id}")


COMMAND = Command(
    verb="credentials",
    arguments="NAME",
    section=Section.MANAGE,
    help="get a link to a store's admin login; it works once, within 15 minutes",
    example="credentials my-shop",
    parse=Words.name,
    run=run,
    clicks={"credentials": clicked},
    offers=(Offer(action_id="credentials", label="Get admin credentials", when=lambda view: view.ready),),
    terminal=None,  # an operator reads the Secret with kubectl
)
