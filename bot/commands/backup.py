"""`/store backup`: back a store up now, while the shop goes on."""

from __future__ import annotations

from bot.commands.ordering import OperationVerb
from bot.commands.spec import Command, Section, Words
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.blocks import Message
from bot.rendering.offers import Offer, Placement
from provisioner.domain.store import Store
from provisioner.operations.backup import BACKUP


def _answer(dependencies: Dependencies, store: Store) -> Message:
    return answers.answer(BACKUP.kind, name=store.name)


VERB = OperationVerb(BACKUP, _answer)
COMMAND = Command(
    verb="backup",
    arguments="NAME",
    section=Section.MANAGE,
    help="back a store up now, its database and its uploads; the shop goes on",
    example="backup my-shop",
    parse=Words.name,
    run=VERB.typed,
    clicks={"backup": VERB.clicked},
    offers=(
        Offer(
            action_id="backup",
            label="Back up",
            when=lambda view: view.ready and not view.busy,
            placement=Placement.MENU,
            description="Keep a copy of its database and its uploads as they are now.",
        ),
    ),
    terminal=VERB.terminal("Back a store up, its database and its uploads."),
)
