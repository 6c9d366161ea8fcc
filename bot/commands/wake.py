"""`/store wake`: start a sleeping store."""

from __future__ import annotations

from bot.commands.ordering import OperationVerb
from bot.commands.spec import Command, Section, Words
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.blocks import Message
from bot.rendering.job_view import StoreView
from bot.rendering.offers import Offer
from provisioner.domain.job import JobStatus
from provisioner.domain.store import Store
from provisioner.operations.wake import WAKE


def _answer(dependencies: Dependencies, store: Store) -> Message:
    return answers.answer(WAKE.kind, name=store.name)


def _can_be_woken(view: StoreView) -> bool:
    """A failed wake is retried instead."""
    failed = view.last_job and view.last_job.kind == WAKE.kind and view.last_job.status == JobStatus.FAILED
    return view.asleep and not view.busy and not failed


VERB = OperationVerb(WAKE, _answer)
COMMAND = Command(
    verb="wake",
    arguments="NAME",
    section=Section.MANAGE,
    help="start a store that sleeps; a visit does it, too",
    example="wake my-shop",
    parse=Words.name,
    run=VERB.typed,
    clicks={"wake": VERB.clicked},
    offers=(
        Offer(
            action_id="wake",
            label="Wake",
            when=_can_be_woken,
            style=lambda view: "primary",
            in_card=True,
        ),
    ),
    terminal=VERB.terminal("Start a store that sleeps."),
)
