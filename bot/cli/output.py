"""How a command of the terminal ends when something goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from bot.rendering.terminal_text import plain
from bot.settings import BadSettings
from provisioner.domain.errors import Refused, StorewrightError


class RefusedHere(click.ClickException):
    """A refusal: nothing was changed."""

    exit_code = 2


@contextmanager
def errors_as_text() -> Iterator[None]:
    """Print an error as one paragraph without a traceback; exit with status 1, or 2 for a refusal."""
    try:
        yield
    except BadSettings as error:
        raise click.ClickException(f"The settings are not valid.\n{error}") from None
    except Refused as error:
        raise RefusedHere(plain(str(error))) from None
    except (StorewrightError, ValueError) as error:
        raise click.ClickException(str(error)) from None
