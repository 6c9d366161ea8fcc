"""App Home: from its first opening on, the outbox keeps it current."""

from __future__ import annotations

from bot.house import House
from bot.visit import Visit


def opened(house: House, visit: Visit) -> str:
    """Publish it; anew where Slack shows nothing yet."""
    if visit.body["event"].get("tab") != "home":
        return "other tab"
    key = f"home:{visit.user}"
    house.ledger.announce(key, "home", visit.user)
    if not visit.body["event"].get("view"):
        house.ledger.place(key, visit.user)
    return "published"
