"""`/store restart`: restart a store's workloads, one after the other."""

from __future__ import annotations

from bot.commands.ordering import OperationVerb
from bot.commands.spec import Command, Section, Words
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.blocks import Message
from bot.rendering.offers import Offer, Placement
from provisioner.domain.store import Store
from provisioner.operations.restart import RESTART


def _answer(dependencies: Dependencies, store: Store) -> Message:
    return answers.answer(RESTART.kind, name=store.name)


VERB = OperationVerb(RESTART, _answer)
COMMAND = Command(
    verb="restart",
    arguments="NAME",
    section=Section.MANAGE,
    help="restart a store without losing a confirmed order",
    example="restart my-shop",
    parse=Words.name,
    run=VERB.typed,
    clicks={"restart": VERB.clicked},
    offers=(
        Offer(
            action_id="restart",
            label="Restart",
            when=lambda view: view.ready and not view.busy,
            placement=Placement.MENU,
            description="Start its parts again, one after the other. No confirmed order is lost.",
        ),
    ),
    terminal=VERB.terminal("Restart a store's workloads, one after the other."),
)
