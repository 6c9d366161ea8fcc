"""Submitted forms."""

from __future__ import annotations

import re

from slack_bolt import App

from bot.commands.registry import SUBMISSIONS
from bot.slack.attend import SlackDependencies, attended, handled_by
from bot.slack.interaction import Interaction


def register(app: App, dependencies: SlackDependencies) -> None:
    """Add the listener to the app."""
    app.view(re.compile(".*"))(attended(dependencies, handled_by(SUBMISSIONS), submitted_store))


def submitted_store(dependencies: SlackDependencies, interaction: Interaction) -> str:
    """The name of the store that the form is about, or else the name in its field."""
    store = dependencies.commands.ledger.stores.get(interaction.form.store_id)
    return store.name if store else interaction.fields.get("name", "")
