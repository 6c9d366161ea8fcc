"""`storewright ledger …`: backs up, checks and restores the ledger."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from bot.cli.output import errors_as_text
from bot.rendering.terminal_text import mark
from bot.settings import LedgerSettings
from provisioner.domain.text import size
from provisioner.ledger.backup import Backups, find_damage, require_intact, summarize

STDIN = Path("-")


@click.group()
def ledger() -> None:
    """Back up, check and restore the ledger.

    The ledger is the database of stores and jobs. The bot backs it up by itself, every few hours and before each
    upgrade of its schema. All these commands are safe while the bot runs.

    \b
    Example, in the pod of the bot:
      kubectl -n storewright exec deployment/storewright -- storewright ledger backups
    """


@ledger.command()
@click.option("--stdout", "to_stdout", is_flag=True, help="Write the backup to standard output too.")
def backup(to_stdout: bool) -> None:
    """Make a backup now and print its path.

    With --stdout, you can keep it on another machine.

    \b
    Example:
      storewright ledger backup --stdout > away.db
    """
    with errors_as_text():
        made = _backups().make()
        if to_stdout:
            with made.path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
        click.echo(f"{mark('ok')} {made.path} ({size(made.bytes)})", err=to_stdout)


@ledger.command()
def backups() -> None:
    """List all backups, newest first."""
    with errors_as_text():
        backups = _backups()
        found = backups.all()
        for one in reversed(found):
            click.echo(f"{one.path.name:<50} {_time(one.made_at)}  {size(one.bytes)}")
        if not found:
            click.echo(f"There are no backups in {backups.folder}. To make one: storewright ledger backup")


@ledger.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
def check(file: Path | None) -> None:
    """Check that the ledger, or the backup FILE, is not damaged.

    FILE is the name or path of a backup. The exit status is 1 if the file is damaged.

    \b
    Examples:
      storewright ledger check
      storewright ledger check ledger-20261121T081358Z.db
    """
    with errors_as_text():
        backups = _backups()
        path = _find(backups, file) if file else backups.ledger
        if damage := find_damage(path):
            for error in damage:
                click.echo(f"{mark('wrong')} {path}: {error}")
            raise SystemExit(1)
        click.echo(f"{mark('ok')} {path} is intact: {_describe(path)}")


@ledger.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), required=False)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--cancel", is_flag=True, help="Cancel a restore that has not happened yet.")
def restore(file: Path | None, yes: bool, cancel: bool) -> None:
    """Replace the ledger with the backup FILE when the bot starts next.

    FILE is the name or path of a backup, or - for standard input. The present ledger is kept as a backup. Use this
    if the ledger is damaged, or to go back to an older version of Storewright.

    \b
    Examples:
      storewright ledger restore ledger-20261121T081358Z.db
      storewright ledger restore - --yes < away.db
      storewright ledger restore --cancel
    """
    if cancel == bool(file):
        raise click.UsageError("Give either FILE or --cancel.")
    if file == STDIN and not yes:
        raise click.UsageError("Give --yes with -: the command can't ask for confirmation.")
    with errors_as_text():
        backups = _backups()
        if not file:
            click.echo("Restore cancelled." if backups.cancel_restore() else "There is no restore to cancel.")
            return
        with _opened(backups, file) as path:
            require_intact(path)
            click.echo(f"{path.name}: {_describe(path)}")
            if not yes:
                click.confirm("Replace the ledger with it? The present ledger is kept as a backup.", abort=True)
            backups.request_restore(path)
        click.echo(f"{mark('ok')} The bot restores it at its next start, or at once if it waits for an intact ledger:")
        click.echo("  kubectl -n storewright rollout restart deployment/storewright")
        click.echo("To cancel before that: storewright ledger restore --cancel")


def _backups() -> Backups:
    return LedgerSettings.from_environment().backups()


def _find(backups: Backups, file: Path) -> Path:
    """The path of a backup's name or of any other file."""
    in_folder = backups.folder / file
    return in_folder if not file.exists() and in_folder.exists() else file


@contextmanager
def _opened(backups: Backups, file: Path) -> Iterator[Path]:
    """The path of FILE; standard input is copied to a temporary file."""
    if file != STDIN:
        yield _find(backups, file)
        return
    with NamedTemporaryFile(suffix=".db") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def _describe(path: Path) -> str:
    summary = summarize(path)
    last_event = _time(summary.last_event_at) if summary.last_event_at else "never"
    return f"{summary.counts}, last event {last_event}, schema {summary.schema}"


def _time(epoch_seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(epoch_seconds))
