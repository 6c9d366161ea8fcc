"""Scopes: what the app was granted, what a method asks for; Slack names the granted ones in a header of its answers."""

import yaml

from dev.cache import CHECKOUT
from dev.slack.workspace import SlackError

MANIFEST = CHECKOUT / "manifests/slack-app.yaml"
# By a channel id's letter.
HISTORY = {"C": "channels:history", "G": "groups:history", "D": "im:history", "U": "im:history"}
NEEDED = {"chat.postMessage": "chat:write", "chat.update": "chat:write", "conversations.open": "im:write"}


def of_manifest() -> frozenset[str]:
    """What an app made from our manifest is granted at its installation."""
    return frozenset(yaml.safe_load(MANIFEST.read_text())["oauth_config"]["scopes"]["bot"])


def check(method: str, channel: str, granted: frozenset[str]) -> None:
    """SlackError missing_scope, naming it. Methods that our bots do not use are not asked about."""
    needed = NEEDED.get(method)
    if method in ("conversations.history", "conversations.replies"):
        needed = HISTORY.get(channel[:1])
    if needed and needed not in granted:
        refusal = SlackError("missing_scope")
        refusal.extra |= {"needed": needed, "provided": ",".join(sorted(granted))}
        raise refusal
