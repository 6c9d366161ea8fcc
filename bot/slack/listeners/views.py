"""Submitted forms."""

from __future__ import annotations

import re

from slack_bolt import App

from bot.commands.registry import SUBMISSIONS
from bot.commands.request import Response
from bot.rendering.templating import TextTemplate
from bot.slack.attend import SlackDependencies, attended, request_of
from bot.slack.interaction import Interaction
from provisioner.domain.errors import Refused

answers = TextTemplate("answers")


def register(app: App, dependencies: SlackDependencies) -> None:
    """Add the listener to the app."""
    app.view(re.compile(".*"))(attended(dependencies, submitted, submitted_store))


def submitted(dependencies: SlackDependencies, interaction: Interaction) -> Response:
    """Call the command that opened the form. Raises Refused, also for one that only a former version had."""
    handler = SUBMISSIONS.get(interaction.handler)
    if not handler:
        raise Refused(answers("outdated"))
    return handler(dependencies.commands, request_of(dependencies, interaction))


def submitted_store(dependencies: SlackDependencies, interaction: Interaction) -> str:
    """The name of the store that the form is about, or else the name in its field."""
    store = dependencies.commands.ledger.stores.get(interaction.form.store_id)
    return store.name if store else interaction.fields.get("name", "")
