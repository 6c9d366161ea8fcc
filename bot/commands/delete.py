"""`/store delete`: remove a store with all its data, after the person typed its name."""

from __future__ import annotations

from dataclasses import replace

from bot.commands.ordering import clicked_store, form_store
from bot.commands.request import Request, Response
from bot.commands.spec import Command, Section, Words
from bot.commands.terminal import NAME, WAIT, YES, Terminal, TerminalCommand, require_name
from bot.dependencies import Dependencies
from bot.rendering import forms, messages
from bot.rendering.forms import DELETE_FORM
from bot.rendering.job_view import StoreView
from bot.rendering.offers import Offer
from bot.rendering.templating import TextTemplate
from provisioner.domain.errors import StoreBusy
from provisioner.domain.job import Job
from provisioner.domain.store import Store, StoreStatus
from provisioner.operations.delete import DELETE
from provisioner.orders import OrderContext

texts = TextTemplate("verbs/delete")


def run(dependencies: Dependencies, request: Request, name: str) -> Response:
    """Ask first. Raises Refused."""
    return _ask(request, dependencies.orders.managed_store(request.actor, name))


def clicked(dependencies: Dependencies, request: Request) -> Response:
    """Ask first. Raises Refused."""
    return _ask(request, clicked_store(dependencies, request))


def _ask(request: Request, store: Store) -> Response:
    if store.status == StoreStatus.DELETING:
        raise StoreBusy(texts("already", store=store))
    return Response(form=forms.delete_form(store, replace(request.form, store_id=store.id)), store=store.name)


def submitted(dependencies: Dependencies, request: Request) -> Response:
    """Order the deletion if the person typed the store's name. Raises Refused."""
    store = form_store(dependencies, request)
    if request.fields.get("name") != store.name:
        errors = {"name": forms.delete_mismatch(store)}
        return Response(field_errors=errors, store=store.name, reason="another name was typed")
    job = dependencies.orders.place(request.order, DELETE, store.id)
    return Response(message=messages.answer(DELETE.kind, name=store.name), store=store.name, job=job)


def _from_terminal(terminal: Terminal, name: str, yes: bool, wait: bool) -> None:
    def place(context: OrderContext) -> Job:
        store = terminal.orders.store_named(name)
        if not yes:
            question = f"This removes {store.url} with all its data. Type its name to confirm"
            require_name(store, question, "Nothing was deleted.")
        return terminal.orders.place(context, DELETE, store.id)

    terminal.order(name, f"delete {name}", place, wait=wait)


def _can_be_deleted(view: StoreView) -> bool:
    """A failed deletion is retried instead."""
    return not view.store.ending and not (view.last_job and view.last_job.kind == DELETE.kind)


COMMAND = Command(
    verb="delete",
    arguments="NAME",
    section=Section.MANAGE,
    help="delete a store with all its data, after you type its name",
    example="delete my-shop",
    parse=Words.name,
    run=run,
    clicks={"delete": clicked},
    submissions={DELETE_FORM: submitted},
    offers=(
        Offer(
            action_id="delete",
            label="Delete",
            when=_can_be_deleted,
            style=lambda view: "danger" if view.idle else None,
        ),
    ),
    terminal=TerminalCommand(
        help="Remove a store with all its data.",
        parameters=(NAME, YES, WAIT),
        run=_from_terminal,
        runs_jobs=True,
    ),
)
