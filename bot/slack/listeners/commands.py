"""The slash command `/store`."""

from __future__ import annotations

from slack_bolt import App

from bot.commands.parser import parse
from bot.commands.registry import COMMANDS
from bot.commands.request import Response
from bot.slack.attend import SlackDependencies, attended, request_of
from bot.slack.interaction import Interaction
from provisioner.domain.errors import Refused


def register(app: App, dependencies: SlackDependencies) -> None:
    """Add the listener to the app."""
    app.command("/store")(attended(dependencies, typed, typed_store))


def typed(dependencies: SlackDependencies, interaction: Interaction) -> Response:
    """Parse the text and run its command. Raises Refused."""
    commands = dependencies.commands
    orders = commands.orders
    command, arguments = parse(
        interaction.text, COMMANDS, commands.catalog.types, lambda word: bool(orders.lookup.find(word))
    )
    return command.run(commands, request_of(dependencies, interaction), arguments)


def typed_store(dependencies: SlackDependencies, interaction: Interaction) -> str:
    """The store's name in the text, '' if there is none or the text is not understood."""
    try:
        _, arguments = parse(interaction.text, COMMANDS, dependencies.commands.catalog.types)
    except Refused:
        return ""
    return arguments if isinstance(arguments, str) else getattr(arguments, "name", "")
