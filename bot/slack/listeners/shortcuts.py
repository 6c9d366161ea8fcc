"""Message shortcuts: the menu that Slack shows at each message. On a store's message they do what its buttons do."""

from __future__ import annotations

import re
from dataclasses import replace

from slack_bolt import App

from bot.commands.registry import CLICKS
from bot.commands.request import Response
from bot.rendering.texts import answers
from bot.slack.attend import SlackDependencies, attended, handled_by
from bot.slack.interaction import Interaction
from bot.slack.listeners.mentions import store_of_thread
from provisioner.domain.errors import Refused


def register(app: App, dependencies: SlackDependencies) -> None:
    """Add the listener to the app."""
    app.shortcut(re.compile(".*"))(attended(dependencies, chosen, store_of_thread))


def chosen(dependencies: SlackDependencies, interaction: Interaction) -> Response:
    """Do what a click on the store's button does. Raises Refused."""
    name = store_of_thread(dependencies, interaction)
    if not name:
        raise Refused(answers("no_stores_message"), "", "Choose it at a store's own message, or in its thread.")
    store = dependencies.commands.orders.lookup.named(name)
    return handled_by(CLICKS)(dependencies, replace(interaction, value=f"{store.id}/"))
