"""Clicks on buttons and menu items, and changes in a form's menus."""

from __future__ import annotations

import re

from slack_bolt import App

from bot.commands.registry import CLICKS
from bot.commands.request import Response
from bot.rendering.templating import TextTemplate
from bot.slack.attend import SlackDependencies, attended, request_of
from bot.slack.interaction import Interaction
from provisioner.domain.errors import Refused

answers = TextTemplate("answers")


def register(app: App, dependencies: SlackDependencies) -> None:
    """Add the listener to the app."""
    app.action(re.compile(".*"))(attended(dependencies, clicked, clicked_store))


def clicked(dependencies: SlackDependencies, interaction: Interaction) -> Response:
    """Call the command that offered the button. Raises Refused, also for one that only a former version had."""
    handler = CLICKS.get(interaction.handler)
    if not handler:
        raise Refused(answers("outdated"))
    return handler(dependencies.commands, request_of(dependencies, interaction))


def clicked_store(dependencies: SlackDependencies, interaction: Interaction) -> str:
    """The name of the store in the button's value, '' if there is none."""
    store = dependencies.commands.ledger.stores.get(interaction.value.partition("/")[0])
    return store.name if store else ""
