"""The Slack app's manifest asks for what the code uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import grammar

ROOT = Path(__file__).parents[2]
# Slack's scope (or one scope for each kind of conversation) for each Web API method we call.
SCOPES = {
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations_open": {"im:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history", "mpim:history"},
    "conversations_replies": {"channels:history", "groups:history", "im:history", "mpim:history"},
}


@pytest.fixture(scope="module")
def manifest() -> Any:
    return yaml.safe_load((ROOT / "manifests/slack-app.yaml").read_text())


def test_it_asks_for_the_scopes_that_our_calls_need_and_no_others(manifest: Any) -> None:
    source = "".join(path.read_text() for path in (ROOT / "bot").rglob("*.py"))
    assert all(method in source for method in SCOPES)
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == {"commands"}.union(*SCOPES.values())


def test_its_command_shows_every_verb(manifest: Any) -> None:
    [command] = manifest["features"]["slash_commands"]
    assert command["command"] == "/store"
    assert all(verb in command["usage_hint"] for verb in grammar.USAGE)


def test_all_comes_in_by_one_address(manifest: Any) -> None:
    settings = manifest["settings"]
    urls = {
        manifest["features"]["slash_commands"][0]["url"],
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
    }
    assert urls == {"https://PUBLIC_URL/slack/events"}
    assert settings["event_subscriptions"]["bot_events"] == ["app_home_opened"]
