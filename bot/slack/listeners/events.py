"""The event `app_home_opened`: from then on, the outbox keeps the person's App Home up to date."""

from __future__ import annotations

from slack_bolt import App

from bot.commands.request import Response
from bot.slack.attend import SlackDependencies, attended
from bot.slack.interaction import HOME_OPENED, Interaction
from provisioner.ledger.outbox import OutboxKind


def register(app: App, dependencies: SlackDependencies) -> None:
    """Add the listener to the app."""
    app.event(HOME_OPENED)(attended(dependencies, home_opened, lambda *_: ""))


def home_opened(dependencies: SlackDependencies, interaction: Interaction) -> Response:
    """Publish the person's App Home, even an unchanged one if Slack has none yet."""
    if interaction.tab != "home":
        return Response(reason="other tab")
    outbox = dependencies.commands.ledger.outbox
    if not interaction.has_home:
        outbox.forget(OutboxKind.HOME, interaction.user)
    outbox.put(OutboxKind.HOME, interaction.user)
    return Response(reason="published")
