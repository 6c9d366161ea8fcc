"""`/store pause`: put a store to sleep. Its data and its address are kept."""

from __future__ import annotations

from bot.commands.ordering import OperationVerb
from bot.commands.spec import Command, Section, Words
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.blocks import Message
from bot.rendering.offers import Offer, Placement
from provisioner.domain.store import Store
from provisioner.operations.pause import PAUSE


def _answer(dependencies: Dependencies, store: Store) -> Message:
    return answers.answer(PAUSE.kind, name=store.name)


VERB = OperationVerb(PAUSE, _answer)
COMMAND = Command(
    verb="pause",
    arguments="NAME",
    section=Section.MANAGE,
    help="put a store to sleep: nothing runs, its data and address are kept",
    example="pause my-shop",
    parse=Words.name,
    run=VERB.typed,
    clicks={"pause": VERB.clicked},
    offers=(
        Offer(
            action_id="pause",
            label="Pause",
            when=lambda view: view.ready and not view.busy,
            placement=Placement.MENU,
            description="Put it to sleep, so that it costs only its storage. Its data and its address are kept.",
        ),
    ),
    terminal=VERB.terminal("Put a store to sleep: nothing runs, its data and its address are kept."),
)
