"""How a terminal shows what Slack's words and our errors say: plain text, marks, colour where there is any."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import click

from bot.settings import BadSettings
from provisioner.domain.errors import Refused, StorewrightError

MARKS = {"ok": ("✓", "green"), "wrong": ("✗", "red"), "unsure": ("!", "yellow"), "busy": ("…", "cyan")}
EMOJI = {
    ":white_check_mark:": "✓",
    ":x:": "✗",
    ":hourglass_flowing_sand:": "…",
    ":octagonal_sign:": "!",
    ":no_entry_sign:": "✗",
}


def mark(kind: str) -> str:
    """✓, ✗, ! or …, coloured; click takes the colour off where the output is no terminal."""
    sign, color = MARKS[kind]
    return sign if os.environ.get("NO_COLOR") else click.style(sign, fg=color, bold=True)


def plain(mrkdwn: str) -> str:
    """Slack's mrkdwn as a terminal shows it: links as their address, times in words, no markup."""
    text = re.sub(r"<!date\^[^|>]*\|([^>]*)>", r"\1", mrkdwn)
    text = re.sub(r"<(https?://[^|>]+)[^>]*>", r"\1", text)
    text = re.sub(r"<[@#]([^|>]+)[^>]*>", r"\1", text)
    for emoji, sign in EMOJI.items():
        text = text.replace(emoji, sign)
    text = re.sub(r":[a-z_]+: ?", "", text).replace("*", "").replace("`", "")
    return in_terms_of_the_terminal(html.unescape(text))


def in_terms_of_the_terminal(text: str) -> str:
    """What one would type in Slack, as one types it here."""
    return text.replace("/store ", "storewright ")


class RefusedHere(click.ClickException):
    """A refusal: nothing was changed."""

    exit_code = 2


@contextmanager
def complaints() -> Iterator[None]:
    """What goes wrong is told in one paragraph, without a traceback, and ends in status 1 (2 where it was refused)."""
    try:
        yield
    except BadSettings as error:
        raise click.ClickException(f"the settings can't be used.\n{error}") from None
    except Refused as error:
        raise RefusedHere(plain(str(error))) from None
    except (StorewrightError, ValueError) as error:
        raise click.ClickException(str(error)) from None
