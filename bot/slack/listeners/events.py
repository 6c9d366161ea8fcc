"""App Home: from its first opening on, the outbox keeps it current."""

from __future__ import annotations

from bot.dependencies import Dependencies
from bot.slack.interaction import Interaction


def opened(context: Dependencies, request: Interaction) -> str:
    """Publish it; anew where Slack shows nothing yet."""
    if request.body["event"].get("tab") != "home":
        return "other tab"
    key = f"home:{request.user}"
    context.ledger.announce(key, "home", request.user)
    if not request.body["event"].get("view"):
        context.ledger.place(key, request.user)
    return "published"
