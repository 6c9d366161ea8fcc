"""The slash command `/store`."""

from __future__ import annotations

from slack_bolt import App

from bot.commands.parser import parse
from bot.commands.registry import COMMANDS
from bot.commands.request import Response
from bot.slack.attend import SlackDependencies, attended, request_of
from bot.slack.interaction import Interaction


def register(app: App, dependencies: SlackDependencies) -> None:
    """Add the listener to the app."""
    app.command("/store")(attended(dependencies, typed))


def typed(dependencies: SlackDependencies, interaction: Interaction) -> Response:
    """Parse the text and run its command. Raises Refused."""
    commands = dependencies.commands
    command, arguments = parse(interaction.text, COMMANDS, commands.catalog.types)
    return command.run(commands, request_of(dependencies, interaction), arguments)
