"""The Slack app's manifest asks for what the code uses, and its README says why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.commands import parser

ROOT = Path(__file__).parents[2]
# Slack's scope (or one scope for each kind of conversation) for each Web API method we call.
SCOPES = {
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations_open": {"im:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history", "mpim:history"},
    "conversations_replies": {"channels:history", "groups:history", "im:history", "mpim:history"},
}


def manifest(mode: str = "socket") -> Any:
    """As it stands for Socket Mode, or changed for HTTP in the way its head says."""
    text = (ROOT / "manifests/slack-app.yaml").read_text()
    if mode == "http":
        text = re.sub(r"# ((request_)?url: https://PUBLIC_URL)", r"\1", text)
        text = text.replace("socket_mode_enabled: true", "socket_mode_enabled: false")
    return yaml.safe_load(text)


def addresses(made: Any) -> list[str | None]:
    command = made["features"]["slash_commands"][0]
    settings = made["settings"]
    return [command.get("url"), *(settings[key].get("request_url") for key in ("event_subscriptions", "interactivity"))]


def test_it_asks_for_the_scopes_that_our_calls_need_and_no_others() -> None:
    source = "".join(path.read_text() for path in (ROOT / "bot").rglob("*.py"))
    assert all(method in source for method in SCOPES)
    assert set(manifest()["oauth_config"]["scopes"]["bot"]) == {"commands"}.union(*SCOPES.values())


def test_the_readme_says_why_it_asks_for_each() -> None:
    told = (ROOT / "manifests/README.md").read_text()
    scopes = re.findall(r"^\| `([a-z:]+)` \| \S.* \| \S.* \|$", told, re.MULTILINE)
    assert scopes == manifest()["oauth_config"]["scopes"]["bot"]


def test_its_command_shows_every_verb() -> None:
    [command] = manifest()["features"]["slash_commands"]
    assert command["command"] == "/store"
    assert all(verb in command["usage_hint"] for verb in parser.USAGE)


@pytest.mark.parametrize(("mode", "address"), [("socket", None), ("http", "https://PUBLIC_URL/slack/events")])
def test_all_comes_in_by_one_way(mode: str, address: str | None) -> None:
    made = manifest(mode)
    assert addresses(made) == [address] * 3
    assert made["settings"]["socket_mode_enabled"] == (mode == "socket")
    assert made["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened"]
