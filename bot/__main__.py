"""The console script `storewright`: the bot, and the commands for its operators."""

from __future__ import annotations

import signal
import sys
from importlib.metadata import version

import click

from bot.bootstrap import serve
from bot.cli.doctor import doctor
from bot.cli.ledger import ledger
from bot.cli.output import errors_as_text
from bot.cli.stores import STORE_COMMANDS
from bot.observability.logging import configure_logging
from bot.settings import Settings, variables


def _settings_help() -> str:
    lines = [f"  {name}  {meaning} ({default})" for name, meaning, default in variables()]
    return "\b\nSettings come from the environment:\n" + "\n".join(lines)


@click.group(epilog="Start with `storewright run --help`, which lists every setting.")
@click.version_option(version("storewright"))
def main() -> None:
    """Online stores on your own Kubernetes, ordered from Slack."""


@main.command(epilog=_settings_help())
def run() -> None:
    """Run the bot: Slack, the credential page, health and metrics, and the work itself."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with errors_as_text():
        settings = Settings.from_environment()
        configure_logging(settings.log_level)
        serve(settings)


for command in (doctor, *STORE_COMMANDS, ledger):
    main.add_command(command)


if __name__ == "__main__":
    main()
