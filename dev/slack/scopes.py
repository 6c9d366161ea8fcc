"""OAuth scopes of the installed app and of the methods."""

from functools import cache

import yaml

from dev.cache import CHECKOUT
from dev.slack.workspace import SlackError

MANIFEST = CHECKOUT / "manifests/slack-app.yaml"
# By the first letter of the channel id.
HISTORY_SCOPES = {"C": "channels:history", "G": "groups:history", "D": "im:history", "U": "im:history"}
METHOD_SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.open": "im:write",
    "users.info": "users:read",
    "chat.unfurl": "links:write",
}


@cache
def from_manifest() -> frozenset[str]:
    """The bot scopes of an app that is installed from our manifest."""
    return frozenset(yaml.safe_load(MANIFEST.read_text())["oauth_config"]["scopes"]["bot"])


def check(method: str, channel: str, granted: frozenset[str]) -> None:
    """Check the scope of a call. Only the methods that our bot calls are checked.

    Raises SlackError missing_scope, which names the scope, as Slack does."""
    needed = METHOD_SCOPES.get(method)
    if method in ("conversations.history", "conversations.replies"):
        needed = HISTORY_SCOPES.get(channel[:1])
    if needed and needed not in granted:
        refusal = SlackError("missing_scope")
        refusal.extra |= {"needed": needed, "provided": ",".join(sorted(granted))}
        raise refusal
