"""Clicks on buttons and menu items, and changes in a form's menus."""

from __future__ import annotations

import re

from slack_bolt import App

from bot.commands.registry import CLICKS
from bot.slack.attend import SlackDependencies, attended, handled_by
from bot.slack.interaction import Interaction


def register(app: App, dependencies: SlackDependencies) -> None:
    """Add the listener to the app."""
    app.action(re.compile(".*"))(attended(dependencies, handled_by(CLICKS), clicked_store))


def clicked_store(dependencies: SlackDependencies, interaction: Interaction) -> str:
    """The name of the store in the button's value, '' if there is none."""
    store = dependencies.commands.ledger.stores.get(interaction.value.partition("/")[0])
    return store.name if store else ""
