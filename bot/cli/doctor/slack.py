"""What is wrong with Slack: the token, its scopes, our clock, the failure channel, Socket Mode."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from slack_sdk.errors import SlackApiError

from bot.cli.doctor.environment import Site
from bot.cli.doctor.findings import Finding, ok, unsure, wrong
from bot.slack.client import error_word

FAST_OR_SLOW = 60.0  # seconds; Slack's signatures are refused when they are 300 s old
# Scopes of manifests/slack-app.yaml (a test holds the two equal), and what each is for.
SCOPES = {
    "commands": "/store",
    "chat:write": "the messages that tell how it goes",
    "im:write": "direct messages, where the app may not post",
    "channels:history": "finding our own messages again after a crash",
    "groups:history": "the same in private channels",
    "im:history": "the same in direct messages",
    "mpim:history": "the same in group messages",
}
APP_PAGE = "at api.slack.com/apps, your app"


def token(site: Site) -> Iterator[Finding]:
    try:
        who = site.slack.auth_test()
    except SlackApiError as error:
        fix = f"Copy the Bot User OAuth Token {APP_PAGE}, OAuth & Permissions, to SLACK_BOT_TOKEN."
        yield wrong(f"Slack does not take it: {error_word(error)}.", fix)
        return
    yield ok(f"We are {who.get('user')} in {who.get('team')}.")


def scopes(site: Site) -> Iterator[Finding]:
    granted = set(filter(None, _header(site, "x-oauth-scopes").replace(" ", "").split(",")))
    if not granted:
        yield unsure("Slack does not say which the token has.")
        return
    missing = {scope: use for scope, use in SCOPES.items() if scope not in granted}
    for scope, use in missing.items():
        fix = f"Add it {APP_PAGE}, OAuth & Permissions, then install the app to the workspace again."
        yield wrong(f"The token lacks {scope}, for {use}.", fix)
    if more := sorted(granted - set(SCOPES)):
        message = f"The token has more than is needed: {', '.join(more)}."
        yield unsure(message, f"Remove them {APP_PAGE}, OAuth & Permissions.")
    if not missing:
        yield ok(f"All {len(SCOPES)} are there.")


def clock(site: Site) -> Iterator[Finding]:
    sent = _header(site, "date")
    if not sent:
        yield unsure("Slack does not tell its time.")
        return
    ahead = time.time() - parsedate_to_datetime(sent).timestamp()
    if abs(ahead) > FAST_OR_SLOW:
        way = "ahead of" if ahead > 0 else "behind"
        message = f"It is {abs(ahead):.0f} s {way} Slack's; from 300 s on no request is taken."
        yield wrong(message, "Let NTP set this machine's clock.")
    else:
        yield ok("It agrees with Slack's.")


def failure_channel(site: Site) -> Iterator[Finding]:
    channel = site.settings.failure_channel
    try:
        site.slack.conversations_history(channel=channel, limit=1)
    except SlackApiError as error:
        fix = "Type /invite @Storewright in it, or set FAILURE_CHANNEL to the id of another."
        yield wrong(f"The bot can't speak in {channel}: {error_word(error)}.", fix)
        return
    yield ok(f"The bot is in {channel}.")


def socket(site: Site) -> Iterator[Finding]:
    """The app-level token opens a connection; the address that it gives is left unused."""
    if site.settings.slack_mode != "socket" or not site.settings.slack_app_token:
        return
    try:
        site.slack.apps_connections_open(app_token=site.settings.slack_app_token.get_secret_value())
    except SlackApiError as error:
        fix = f"Turn Socket Mode on {APP_PAGE}, and make an app-level token with connections:write for SLACK_APP_TOKEN."
        yield wrong(f"Slack does not take SLACK_APP_TOKEN: {error_word(error)}.", fix)
        return
    yield ok("Slack gives us a connection.")


def _header(site: Site, name: str) -> str:
    """A header of Slack's answer, '' for none."""
    headers = {key.lower(): value for key, value in site.slack.auth_test().headers.items()}
    return str(headers.get(name, ""))
