"""Slack's mrkdwn and marks as plain text for a terminal."""

from __future__ import annotations

import html
import os
import re

import click

MARKS = {"ok": ("✓", "green"), "wrong": ("✗", "red"), "unsure": ("!", "yellow"), "busy": ("…", "cyan")}
EMOJI = {
    ":white_check_mark:": "✓",
    ":x:": "✗",
    ":hourglass_flowing_sand:": "…",
    ":octagonal_sign:": "!",
    ":no_entry_sign:": "✗",
}


def mark(kind: str) -> str:
    """✓, ✗, ! or …, in colour; click removes the colour if the output is no terminal."""
    sign, color = MARKS[kind]
    return sign if os.environ.get("NO_COLOR") else click.style(sign, fg=color, bold=True)


def plain(mrkdwn: str) -> str:
    """Mrkdwn without markup: links as their address, times as text, `/store` as `storewright`."""
    text = re.sub(r"<!date\^[^|>]*\|([^>]*)>", r"\1", mrkdwn)
    text = re.sub(r"<(https?://[^|>]+)[^>]*>", r"\1", text)
    text = re.sub(r"<[@#]([^|>]+)[^>]*>", r"\1", text)
    for emoji, sign in EMOJI.items():
        text = text.replace(emoji, sign)
    text = re.sub(r":[a-z_]+: ?", "", text).replace("*", "").replace("`", "")
    return html.unescape(text).replace("/store ", "storewright ")
