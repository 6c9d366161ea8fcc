"""The Slack app manifest requests what the code uses, and its README explains each scope."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.commands.registry import COMMANDS
from dev import docs

ROOT = Path(__file__).parents[2]
# The scopes of each Web API method that the bot calls. Some methods need one scope per kind of conversation.
SCOPES = {
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_unfurl": {"links:write"},
    "users_info": {"users:read"},
    "conversations_open": {"im:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history", "mpim:history"},
    "conversations_replies": {"channels:history", "groups:history", "im:history", "mpim:history"},
}


def manifest(mode: str = "socket") -> Any:
    """The manifest for Socket Mode, or changed for HTTP as its head comment describes."""
    text = (ROOT / "manifests/slack-app.yaml").read_text()
    if mode == "http":
        text = re.sub(r"# ((request_)?url: https://PUBLIC_URL)", r"\1", text)
        text = text.replace("socket_mode_enabled: true", "socket_mode_enabled: false")
    return yaml.safe_load(text)


def addresses(made: Any) -> list[str | None]:
    command = made["features"]["slash_commands"][0]
    settings = made["settings"]
    return [command.get("url"), *(settings[key].get("request_url") for key in ("event_subscriptions", "interactivity"))]


def test_manifest_requests_exactly_the_scopes_of_the_calls() -> None:
    source = "".join(path.read_text() for path in (ROOT / "bot").rglob("*.py"))
    assert all(method in source for method in SCOPES)
    assert set(manifest()["oauth_config"]["scopes"]["bot"]) == {"commands", "app_mentions:read", "links:read"}.union(
        *SCOPES.values()
    )


def test_readme_explains_every_scope() -> None:
    readme = (ROOT / "manifests/README.md").read_text()
    scopes = re.findall(r"^\| `([a-z_:]+)` \| \S.* \| \S.* \|$", readme, re.MULTILINE)
    assert scopes == manifest()["oauth_config"]["scopes"]["bot"]


def test_usage_hint_is_up_to_date_with_the_commands() -> None:
    text = (ROOT / "manifests/slack-app.yaml").read_text()
    assert docs.with_usage_hint(text) == text, "run `make docs`"
    [command] = manifest()["features"]["slash_commands"]
    assert command["command"] == "/store"
    assert all(verb in command["usage_hint"] for verb in COMMANDS)
    assert len(command["usage_hint"]) <= docs.USAGE_HINT_LIMIT


def test_usage_hint_is_not_written_into_a_manifest_without_its_field() -> None:
    with pytest.raises(docs.NoPlaceForText, match="has 0 fields usage_hint"):
        docs.with_usage_hint("features: {}\n")


@pytest.mark.parametrize(("mode", "address"), [("socket", None), ("http", "https://PUBLIC_URL/slack/events")])
def test_manifest_uses_one_transport_per_mode(mode: str, address: str | None) -> None:
    made = manifest(mode)
    assert addresses(made) == [address] * 3
    assert made["settings"]["socket_mode_enabled"] == (mode == "socket")
    assert made["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened", "app_mention", "link_shared"]
