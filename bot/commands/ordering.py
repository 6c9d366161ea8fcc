"""OperationVerb: a verb that orders one operation on a store, typed, clicked or from a terminal. Orders of clones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click

from bot.commands.request import Request, Response
from bot.commands.terminal import NAME, WAIT, Terminal, TerminalCommand, login_hint
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.blocks import Message
from provisioner.domain.job import Job
from provisioner.domain.store import Store
from provisioner.ledger.outbox import OutboxKind
from provisioner.operations.clone import CLONE
from provisioner.operations.spec import Operation
from provisioner.orders import OrderContext


@dataclass(frozen=True)
class OperationVerb:
    """`answer` is the immediate answer to the order."""

    operation: Operation
    answer: Callable[[Dependencies, Store], Message]

    def typed(self, dependencies: Dependencies, request: Request, name: str) -> Response:
        """Order it on the store called `name`. Raises Refused."""
        return self._order(dependencies, request, dependencies.orders.lookup.named(name))

    def clicked(self, dependencies: Dependencies, request: Request) -> Response:
        """Order it on the store of a clicked button. Raises Refused."""
        return self._order(dependencies, request, clicked_store(dependencies, request))

    def terminal(self, help: str) -> TerminalCommand:
        """Order it from a terminal."""

        def run(terminal: Terminal, name: str, wait: bool) -> None:
            store = terminal.orders.lookup.named(name)
            detail = f"{self.operation.kind} {name}"
            terminal.order(
                name, detail, lambda context: terminal.orders.place(context, self.operation, store.id), wait=wait
            )

        return TerminalCommand(help=help, parameters=(NAME, WAIT), run=run, runs_jobs=True)

    def _order(self, dependencies: Dependencies, request: Request, store: Store) -> Response:
        job = dependencies.orders.place(request.order, self.operation, store.id)
        return Response(message=self.answer(dependencies, store), store=store.name, job=job)


def clicked_store(dependencies: Dependencies, request: Request) -> Store:
    """The store of a clicked button, which the person may manage. Raises StoreNotFound or NotAllowed.

    If it is gone, the button's message is out of date and is sent again."""
    store_id, _, job_id = request.value.partition("/")
    store = dependencies.ledger.stores.get(store_id)
    if not store or store.deleted_at:
        dependencies.ledger.outbox.refresh(OutboxKind.SUMMARY, job_id)
    return dependencies.orders.lookup.managed_by_id(request.actor, store_id)


def form_store(dependencies: Dependencies, request: Request) -> Store:
    """The store of a submitted form, which the person may manage. Raises StoreNotFound or NotAllowed."""
    return dependencies.orders.lookup.managed_by_id(request.actor, request.form.store_id)


def order_clone(dependencies: Dependencies, request: Request, store: Store, new: str, backup: str = "") -> Response:
    """Order a clone of the store as it is now, or as in the backup with this id. Raises Refused."""
    job = dependencies.orders.clone(request.order, store.id, new, backup)
    answer = answers.answer(CLONE.kind, name=job.store, source=store.name)
    return Response(message=answer, store=job.store, job=job)


def clone_from_terminal(terminal: Terminal, name: str, new: str, backup: str, *, wait: bool) -> None:
    """Order a clone and, with `wait`, follow it and show how to log in. Raises Refused."""

    def place(context: OrderContext) -> Job:
        store = terminal.orders.lookup.named(name)
        chosen = terminal.orders.lookup.backup(store, backup).id if backup else ""
        return terminal.orders.clone(context, store.id, new, chosen)

    job = terminal.order(new, f"clone {name} {new}", place, wait=wait)
    if wait:
        click.echo(login_hint(terminal.orders.lookup.existing(job.store_id)))
