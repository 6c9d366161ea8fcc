"""Entry point of `storewright`: the bot, and the commands for operators."""

from __future__ import annotations

import signal
import sys
from importlib.metadata import version

import click

from bot.cli.audit import audit
from bot.cli.doctor import doctor
from bot.cli.ledger import ledger
from bot.cli.output import errors_as_text
from bot.cli.recover import recover
from bot.cli.stores import STORE_COMMANDS
from bot.observability.logging import configure_logging
from bot.settings import Settings, variables


def _settings_help() -> str:
    lines = [f"  {name}  {description} ({default})" for name, description, default in variables()]
    return "\b\nSettings are environment variables:\n" + "\n".join(lines)


@click.group(epilog="For a first start, see `storewright run --help`. To check an installation: storewright doctor")
@click.version_option(version("storewright"))
def main() -> None:
    """Online stores on your Kubernetes cluster, ordered from Slack or here."""


@main.command(epilog=_settings_help())
def run() -> None:
    """Run the bot until it gets SIGTERM or SIGINT.

    The bot answers in Slack, serves the credential page, health endpoints and metrics, and runs the jobs. A second
    bot of the same instance waits until the first one stops.

    \b
    Example, with all required settings:
      SLACK_BOT_TOKEN=xoxb-… SLACK_SIGNING_SECRET=… FAILURE_CHANNEL=C… \\
      PUBLIC_URL=https://bot.example.com STORE_DOMAIN=shops.example.com storewright run
    """
    from bot.bootstrap import serve  # only this command needs Slack and the web servers, which take a while to import

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with errors_as_text():
        settings = Settings.from_environment()
        configure_logging(settings.log_level)
        serve(settings)


for command in (doctor, *STORE_COMMANDS, recover, ledger, audit):
    main.add_command(command)


if __name__ == "__main__":
    main()
