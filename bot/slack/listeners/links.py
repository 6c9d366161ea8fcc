"""Links to stores in people's messages: a card shows the store. Everybody in the channel sees it."""

from __future__ import annotations

import logging

from slack_bolt import App
from slack_sdk.errors import SlackApiError

from bot.commands.request import Response
from bot.rendering import messages
from bot.rendering.job_view import store_view
from bot.slack.attend import SlackDependencies, attended
from bot.slack.client import UNREACHABLE
from bot.slack.interaction import LINKS_SHARED, Interaction

log = logging.getLogger(__name__)


def register(app: App, dependencies: SlackDependencies) -> None:
    """Add the listener to the app."""
    app.event(LINKS_SHARED)(attended(dependencies, shared, lambda *_: ""))


def shared(dependencies: SlackDependencies, interaction: Interaction) -> Response:
    """Show a card for each link to a store that exists. One that Slack does not take is not missed."""
    orders, offers = dependencies.commands.orders, dependencies.commands.offers
    found = {url: orders.lookup.find(url) for url in interaction.text.split()}
    cards = {
        url: {"blocks": messages.card(store_view(orders.catalog, store, orders.ledger.jobs.last(store.id)), offers)}
        for url, store in found.items()
        if store and not store.ending
    }
    if cards:
        try:
            dependencies.slack.chat_unfurl(channel=interaction.channel, ts=interaction.message_ts, unfurls=cards)
        except (SlackApiError, *UNREACHABLE) as error:
            log.warning("links not unfurled: %s", error)
    return Response(audited=False)
