"""`/store upgrade`: bring a store to the newest version of its type."""

from __future__ import annotations

from slack_sdk.models.blocks import ConfirmObject, PlainTextObject

from bot.commands.ordering import OperationVerb
from bot.commands.spec import Command, Section, Words
from bot.dependencies import Dependencies
from bot.rendering import answers
from bot.rendering.blocks import CONFIRM_LIMIT, Message, cut
from bot.rendering.job_view import StoreView
from bot.rendering.offers import Offer
from bot.rendering.templating import TextTemplate
from provisioner.domain.job import JobStatus
from provisioner.domain.store import Store
from provisioner.operations.upgrade import UPGRADE

texts = TextTemplate("verbs/upgrade")


def _answer(dependencies: Dependencies, store: Store) -> Message:
    store_type = dependencies.catalog.get(store.type)
    return answers.answer(UPGRADE.kind, store=store, label=store_type.label, version=store_type.version)


def _confirm(view: StoreView) -> ConfirmObject:
    return ConfirmObject(
        title=texts("confirm_title", store=view.store),
        text=PlainTextObject(text=cut(texts("confirm_text", version=view.newer_version), CONFIRM_LIMIT)),
        confirm=texts("confirm"),
        deny=texts("deny"),
    )


def _can_be_upgraded(view: StoreView) -> bool:
    """A failed upgrade is retried instead."""
    failed = view.last_job and view.last_job.kind == UPGRADE.kind and view.last_job.status == JobStatus.FAILED
    return view.ready and not view.busy and bool(view.newer_version) and not failed


VERB = OperationVerb(UPGRADE, _answer)
COMMAND = Command(
    verb="upgrade",
    arguments="NAME",
    section=Section.MANAGE,
    help="bring a store to the newest version of its type; its data stays, and a failed upgrade is undone",
    example="upgrade my-shop",
    parse=Words.name,
    run=VERB.typed,
    clicks={"upgrade": VERB.clicked},
    offers=(
        Offer(
            action_id="upgrade",
            label="Upgrade",
            when=_can_be_upgraded,
            confirm=_confirm,
        ),
    ),
    terminal=VERB.terminal("Bring a store to the newest version of its type."),
)
