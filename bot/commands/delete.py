"""`/store delete`: remove a store, after the person typed its name; with `now`, for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import click

from bot.commands.ordering import clicked_store, form_store
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, WAIT, YES, Terminal, TerminalCommand, require_name
from bot.dependencies import Dependencies
from bot.rendering import answers, forms
from bot.rendering.blocks import text_message
from bot.rendering.forms import DELETE_FORM, DELETE_NOW_FORM
from bot.rendering.job_view import StoreView
from bot.rendering.offers import Offer
from bot.rendering.templating import TextTemplate, utc
from bot.rendering.terminal_text import plain
from provisioner.domain.errors import StoreBusy
from provisioner.domain.job import Job
from provisioner.domain.policy import Right
from provisioner.domain.store import Store, StoreStatus
from provisioner.operations.delete import DELETE, FOR_GOOD
from provisioner.orders import OrderContext, Orders

texts = TextTemplate("verbs/delete")


@dataclass(frozen=True)
class Arguments:
    """A store's name, and whether it is deleted for good."""

    name: str
    now: bool = False


def parse(words: Words) -> Arguments:
    """NAME [now]. Raises NotUnderstood."""
    now = [word.lower() for word in words.words[1:]] == ["now"]
    return Arguments((words.first(1) if now else words).name(), now)


def run(dependencies: Dependencies, request: Request, arguments: Arguments) -> Response:
    """Ask first. Raises Refused."""
    orders = dependencies.orders
    store = orders.ledger.stores.kept(arguments.name) if arguments.now else None
    if store:
        request.actor.require(Right.MANAGE, store)
    return _ask(dependencies, request, store or orders.lookup.managed(request.actor, arguments.name), now=arguments.now)


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """Ask first. Raises Refused."""
    return _ask(dependencies, request, clicked_store(dependencies, request), now=False)


def _ask(dependencies: Dependencies, request: Request, store: Store, *, now: bool) -> Response:
    if store.status == StoreStatus.DELETING:
        raise StoreBusy(texts("already", store=store))
    context = replace(request.form, store_id=store.id)
    keeps_until = None if now else dependencies.orders.lookup.keeps_until(store)
    form = forms.delete_now_form(store, context) if now else forms.delete_form(store, keeps_until, context)
    return Response(form=form, store=store.name)


def submitted(dependencies: Dependencies, request: Request) -> Response:
    """Order the deletion if the person typed the store's name. Raises Refused."""
    store = form_store(dependencies, request)
    return _confirmed(request, store, lambda: dependencies.orders.place(request.order, DELETE, store.id))


def submitted_now(dependencies: Dependencies, request: Request) -> Response:
    """Delete it for good if the person typed the store's name. Raises Refused."""
    orders = dependencies.orders
    store = orders.lookup.known(request.form.store_id)
    return _confirmed(request, store, lambda: _delete_now(orders, request.order, store))


def _confirmed(request: Request, store: Store, delete: Callable[[], Job | None]) -> Response:
    if request.fields.get("name") != store.name:
        errors = {"name": forms.delete_mismatch(store)}
        return Response(field_errors=errors, store=store.name, reason="another name was typed")
    job = delete()
    answer = answers.answer(DELETE.kind, name=store.name) if job else text_message(texts("freed", store=store))
    return Response(message=answer, store=store.name, job=job)


def _delete_now(orders: Orders, context: OrderContext, store: Store) -> Job | None:
    """None if it is deleted already, and can't be undeleted from now on."""
    if store.status != StoreStatus.DELETED:
        return orders.place(context, DELETE, store.id, FOR_GOOD)
    orders.forget(context.actor, store.id)
    return None


def _from_terminal(terminal: Terminal, name: str, now: bool, yes: bool, wait: bool) -> None:
    orders = terminal.orders

    def place(context: OrderContext) -> Job:
        store = orders.lookup.named(name)
        if not yes:
            until = None if now else orders.lookup.keeps_until(store)
            require_name(store, texts("confirm", store=store, until=until and utc(until)), "Nothing was deleted.")
        return orders.place(context, DELETE, store.id, FOR_GOOD if now else None)

    if now and (kept := orders.ledger.stores.kept(name)):
        freed = terminal.audited(name, f"delete {name} now", lambda context: orders.forget(context.actor, kept.id))
        click.echo(plain(texts("freed", store=freed)))
    else:
        terminal.order(name, f"delete {name}{' now' if now else ''}", place, wait=wait)


def _can_be_deleted(view: StoreView) -> bool:
    """A failed deletion is retried instead."""
    return not view.store.ending and not (view.last_job and view.last_job.kind == DELETE.kind)


COMMAND = Command(
    verb="delete",
    arguments="NAME [now]",
    section=Section.MANAGE,
    help="delete a store, after you type its name; for some days you can undelete it, unless you add now",
    example="delete my-shop",
    parse=parse,
    run=run,
    clicks={"delete": clicked},
    submissions={DELETE_FORM: submitted, DELETE_NOW_FORM: submitted_now},
    offers=(
        Offer(
            action_id="delete",
            label="Delete",
            when=_can_be_deleted,
            style=lambda view: None if view.busy else "danger",
        ),
    ),
    terminal=TerminalCommand(
        help="Remove a store. For some days it can be undeleted, unless --now is set.",
        parameters=(NAME, click.Option(["--now"], is_flag=True, help="For good: without a last backup."), YES, WAIT),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
