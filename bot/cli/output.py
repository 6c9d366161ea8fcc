"""Errors of terminal commands: their text and exit status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from bot.rendering.terminal_text import plain
from bot.settings import BadSettings
from provisioner.domain.errors import Refused, StorewrightError


class CommandRefused(click.ClickException):
    """The command was refused and changed nothing."""

    exit_code = 2


@contextmanager
def errors_as_text() -> Iterator[None]:
    """Print an error without its traceback.

    The exit status is 2 for a refusal, 1 for any other error."""
    try:
        yield
    except BadSettings as error:
        raise click.ClickException(f"The settings are not valid.\n{error}") from None
    except Refused as error:
        raise CommandRefused(plain(str(error))) from None
    except (StorewrightError, ValueError) as error:
        raise click.ClickException(str(error)) from None
