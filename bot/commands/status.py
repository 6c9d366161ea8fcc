"""`/store status`: show one store, with its buttons."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import click

from bot.commands.ordering import clicked_store
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import JSON, NAME, Terminal, TerminalCommand, login_hint
from bot.dependencies import Dependencies
from bot.rendering import answers, forms, messages
from bot.rendering.job_view import StoreView, read_job_view, store_view
from bot.rendering.offers import MENU_ACTION, Offer
from bot.rendering.terminal_text import plain
from provisioner.domain.store import StoreStatus
from provisioner.idle_times import idleness_of


def run(dependencies: Dependencies, request: Request, name: str) -> Response:
    """The store's newest job as its root message shows it, its backups' times, and facts. Raises StoreNotFound."""
    ledger, catalog = dependencies.ledger, dependencies.catalog
    store = dependencies.orders.lookup.named(name)
    usage = dependencies.read_usage(store)
    times = ledger.store_backups.times([store.id]).get(store.id)
    job = ledger.jobs.last_shown(store.id)
    idleness = idleness_of(dependencies.orders, store)
    view = read_job_view(ledger, catalog, job.id) if job else None
    if view:
        shown = replace(view, of=replace(view.of, backups=times, idleness=idleness))
        message = messages.with_facts(messages.summary(shown, dependencies.offers), shown.of, usage)
    else:
        alone = replace(store_view(catalog, store, None), backups=times, idleness=idleness)
        message = messages.with_facts(messages.store_alone(alone, dependencies.offers), alone, usage)
    return Response(message=message, store=store.name, reason=f"shown as {store.status}")


def menu(dependencies: Dependencies, request: Request) -> Response:
    """The menu of a store as it is now. Raises StoreNotFound or NotAllowed."""
    store = clicked_store(dependencies, request)
    jobs = dependencies.ledger.jobs
    view = replace(store_view(dependencies.catalog, store, jobs.last(store.id)), reinstalled=jobs.reinstalled(store.id))
    form = forms.menu(view, dependencies.offers, replace(request.form, store_id=store.id))
    return Response(form=form, store=store.name, audited=False)


def opened(dependencies: Dependencies, request: Request) -> Response:
    """A click on a link button: the browser opens the link, and Slack reports the click."""
    return Response(reason="opened")


def _from_terminal(terminal: Terminal, name: str, as_json: bool) -> None:
    store = terminal.orders.lookup.named(name)
    job = terminal.ledger.jobs.last_shown(store.id)
    if as_json:
        events = [asdict(event) for event in terminal.ledger.jobs.events(job.id)] if job else []
        found = {"store": asdict(store), "job": asdict(job) if job else None, "events": events}
        click.echo(json.dumps(found, indent=2))
    elif job:
        terminal.show_job(job)
        if store.status == StoreStatus.READY:
            click.echo(login_hint(store))
    else:
        click.echo(plain(messages.store_alone(store_view(terminal.catalog, store, None), ()).text))
    if not as_json and (rule := plain(answers.idle_rule(store, idleness_of(terminal.orders, store)).text)):
        click.echo(rule)


def _is_ready(view: StoreView) -> bool:
    return view.ready


COMMAND = Command(
    verb="status",
    arguments="NAME",
    section=Section.LOOK,
    help="show a store's state, with its buttons",
    example="status my-shop",
    parse=Words.name,
    run=run,
    clicks={"open_shop": opened, "open_admin": opened, MENU_ACTION: menu},
    offers=(
        Offer(
            action_id="open_shop",
            label="Open shop",
            when=_is_ready,
            style=lambda view: "primary",
            url=lambda view: view.store.url,
        ),
        Offer(action_id="open_admin", label="Open admin", when=_is_ready, url=lambda view: view.store.admin_url),
    ),
    terminal=TerminalCommand(help="Show a store's state.", parameters=(NAME, JSON), run=_from_terminal),
)
