"""Slack's mrkdwn as plain text for a terminal."""

from __future__ import annotations

import pytest

from bot.rendering.terminal_text import plain


@pytest.mark.parametrize(
    ("mrkdwn", "text"),
    [
        (":white_check_mark: *my-shop* is ready: <http://a.b|http://a.b>", "✓ my-shop is ready: http://a.b"),
        ("Ordered by <@U0DANA001> <!date^12^{date}|2026-01-01 10:00 UTC>", "Ordered by U0DANA001 2026-01-01 10:00 UTC"),
        (":rotating_light: a &amp; b &lt;c&gt;; `/store list` shows", "a & b <c>; storewright list shows"),
    ],
)
def test_mrkdwn_becomes_plain_text(mrkdwn: str, text: str) -> None:
    assert plain(mrkdwn) == text
