"""OperationVerb: a verb that orders one operation on a store, typed, clicked or from a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.commands.request import Request, Response
from bot.commands.terminal import NAME, WAIT, Terminal, TerminalCommand
from bot.dependencies import Dependencies
from bot.rendering.blocks import Message
from provisioner.domain.policy import Right
from provisioner.domain.store import Store
from provisioner.ledger.outbox import OutboxKind
from provisioner.operations.spec import Operation


@dataclass(frozen=True)
class OperationVerb:
    """`answer` is the immediate answer to the order."""

    operation: Operation
    answer: Callable[[Dependencies, Store], Message]

    def typed(self, dependencies: Dependencies, request: Request, name: str) -> Response:
        """Order it on the store called `name`. Raises Refused."""
        return self._order(dependencies, request, dependencies.orders.store_named(name))

    def clicked(self, dependencies: Dependencies, request: Request) -> Response:
        """Order it on the store of a clicked button. Raises Refused."""
        return self._order(dependencies, request, clicked_store(dependencies, request))

    def terminal(self, help: str) -> TerminalCommand:
        """Order it from a terminal."""

        def run(terminal: Terminal, name: str, wait: bool) -> None:
            store = terminal.orders.store_named(name)
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
    return _managed(dependencies, request, store_id)


def form_store(dependencies: Dependencies, request: Request) -> Store:
    """The store of a submitted form, which the person may manage. Raises StoreNotFound or NotAllowed."""
    return _managed(dependencies, request, request.form.store_id)


def _managed(dependencies: Dependencies, request: Request, store_id: str) -> Store:
    store = dependencies.orders.existing_store(store_id)
    request.actor.require(Right.MANAGE, store)
    return store
