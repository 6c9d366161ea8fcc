"""Checks of Slack: token, scopes, clock, failure channel, Socket Mode."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from slack_sdk.errors import SlackApiError

from bot.cli.doctor.environment import Environment
from bot.cli.doctor.findings import Finding, ok, unsure, wrong
from bot.slack.client import error_word

MAX_CLOCK_SKEW_SECONDS = 60.0  # signatures of Slack are valid for 300 s
# Scopes in manifests/slack-app.yaml (a test compares the two), with their uses.
SCOPES = {
    "commands": "/store",
    "chat:write": "messages about jobs",
    "im:write": "direct messages, used if the app can't post in a channel",
    "channels:history": "finding the bot's own messages after a crash",
    "groups:history": "the same in private channels",
    "im:history": "the same in direct messages",
    "mpim:history": "the same in group messages",
    "users:read": "checking the new owner of a transferred store",
    "app_mentions:read": "mentions in a store's thread",
    "links:read": "addresses of stores in messages",
    "links:write": "the cards under them",
}
APP_PAGE = "api.slack.com/apps > your app"


def token(environment: Environment) -> Iterator[Finding]:
    """Slack accepts the bot token."""
    try:
        identity = environment.slack.auth_test()
    except SlackApiError as error:
        fix = f"Copy the Bot User OAuth Token ({APP_PAGE} > OAuth & Permissions) to SLACK_BOT_TOKEN."
        yield wrong(f"Slack rejected SLACK_BOT_TOKEN: {error_word(error)}.", fix)
        return
    yield ok(f"The bot is {identity.get('user')} in the workspace {identity.get('team')}.")


def scopes(environment: Environment) -> Iterator[Finding]:
    """The bot token has exactly the scopes that the bot needs."""
    granted = set(filter(None, _header(environment, "x-oauth-scopes").replace(" ", "").split(",")))
    if not granted:
        yield unsure("Slack did not report the scopes of the token.")
        return
    missing = {scope: use for scope, use in SCOPES.items() if scope not in granted}
    for scope, use in missing.items():
        fix = f"Add it ({APP_PAGE} > OAuth & Permissions), then install the app to the workspace again."
        yield wrong(f"The token lacks {scope}, for {use}.", fix)
    if unneeded := sorted(granted - set(SCOPES)):
        message = f"The token has scopes that the bot does not need: {', '.join(unneeded)}."
        yield unsure(message, f"Remove them ({APP_PAGE} > OAuth & Permissions).")
    if not missing:
        yield ok(f"The token has all {len(SCOPES)} scopes that the bot needs.")


def clock(environment: Environment) -> Iterator[Finding]:
    """The clock of this machine agrees with Slack's."""
    date = _header(environment, "date")
    if not date:
        yield unsure("Slack did not report its time.")
        return
    ahead_seconds = time.time() - parsedate_to_datetime(date).timestamp()
    if abs(ahead_seconds) > MAX_CLOCK_SKEW_SECONDS:
        direction = "ahead of" if ahead_seconds > 0 else "behind"
        message = f"The clock of this machine is {abs(ahead_seconds):.0f} s {direction} Slack's."
        yield wrong(f"{message} From 300 s on, the bot rejects all requests from Slack.", "Set the clock with NTP.")
    else:
        yield ok("The clock of this machine agrees with Slack's.")


def failure_channel(environment: Environment) -> Iterator[Finding]:
    """The bot is a member of the failure channel."""
    channel = environment.settings.failure_channel
    try:
        environment.slack.conversations_history(channel=channel, limit=1)
    except SlackApiError as error:
        fix = "Type /invite @Storewright in that channel, or set FAILURE_CHANNEL to the id of another."
        yield wrong(f"The bot has no access to {channel}: {error_word(error)}.", fix)
        return
    yield ok(f"The bot is a member of {channel}.")


def socket(environment: Environment) -> Iterator[Finding]:
    """The app-level token can open a Socket Mode connection; none is opened."""
    settings = environment.settings
    if settings.slack_mode != "socket" or not settings.slack_app_token:
        return
    try:
        environment.slack.apps_connections_open(app_token=settings.slack_app_token.get_secret_value())
    except SlackApiError as error:
        fix = f"Enable Socket Mode ({APP_PAGE} > Socket Mode), then create an app-level token with connections:write."
        yield wrong(f"Slack rejected SLACK_APP_TOKEN: {error_word(error)}.", fix)
        return
    yield ok("Slack accepts Socket Mode connections with SLACK_APP_TOKEN.")


def _header(environment: Environment, name: str) -> str:
    """A header of Slack's answer, or ''."""
    headers = {key.lower(): value for key, value in environment.slack.auth_test().headers.items()}
    return str(headers.get(name, ""))
