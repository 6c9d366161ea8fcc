"""`storewright ledger …`: backups of the ledger, made and restored while the bot runs, and a check of either."""

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
from provisioner.ledger.backup import Backups, contents_of, faults_of, require_sound

STDIN = Path("-")


@click.group()
def ledger() -> None:
    """Back up, restore and check the ledger, beside a running bot."""


@ledger.command()
@click.option("--stdout", "to_stdout", is_flag=True, help="Write it to standard output too, to be kept elsewhere.")
def backup(to_stdout: bool) -> None:
    """Make a backup now, checked, and print where it is."""
    with errors_as_text():
        made = _backups().make()
        if to_stdout:
            with made.path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
        click.echo(f"{mark('ok')} {made.path} ({_size(made.bytes)})", err=to_stdout)


@ledger.command()
def backups() -> None:
    """List the backups there are, newest first."""
    with errors_as_text():
        of = _backups()
        for kept in reversed(of.kept()):
            click.echo(f"{kept.path.name:<50} {_when(kept.made_at)}  {_size(kept.bytes)}")
        if not of.kept():
            click.echo(f"There are none in {of.folder}. Make one: storewright ledger backup")


@ledger.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
def check(file: Path | None) -> None:
    """Read the ledger (or a backup) whole and say whether it is sound."""
    with errors_as_text():
        of = _backups()
        path = _find(of, file) if file else of.ledger
        if faults := faults_of(path):
            for fault in faults:
                click.echo(f"{mark('wrong')} {path}: {fault}")
            raise SystemExit(1)
        click.echo(f"{mark('ok')} {path} is sound: {_summary(path)}")


@ledger.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--cancel", is_flag=True, help="Let the ledger be, where no bot has taken the backup yet.")
def restore(file: Path | None, yes: bool, cancel: bool) -> None:
    """Let a backup (its name or path, or - for standard input) take the ledger's place at the bot's next start."""
    if cancel == bool(file) or (file == STDIN and not yes):
        raise click.UsageError("Give a FILE or --cancel; and --yes with -, where there is nobody to ask.")
    with errors_as_text():
        of = _backups()
        if not file:
            click.echo("It is not taken." if of.withdraw() else "There is none to be taken.")
            return
        with _given(of, file) as found:
            require_sound(found)
            click.echo(f"{found.name}: {_summary(found)}")
            if not yes:
                click.confirm("Let it take the ledger's place? What is there now is kept as a backup.", abort=True)
            of.offer(found)
        click.echo(f"{mark('ok')} It is taken at once by a bot that waits for a sound ledger, else at the next start:")
        click.echo("  kubectl -n storewright rollout restart deployment/storewright")
        click.echo("To think better of it before: storewright ledger restore --cancel")


def _backups() -> Backups:
    return LedgerSettings.from_environment().backups()


def _find(of: Backups, file: Path) -> Path:
    """A backup by its name alone, else any file."""
    kept = of.folder / file
    return kept if not file.exists() and kept.exists() else file


@contextmanager
def _given(of: Backups, file: Path) -> Iterator[Path]:
    """The backup that is meant, as a file."""
    if file != STDIN:
        yield _find(of, file)
        return
    with NamedTemporaryFile(suffix=".db") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def _summary(path: Path) -> str:
    held = contents_of(path)
    last_news = _when(held.as_of) if held.as_of else "never"
    return f"{held.stores} stores, {held.jobs} jobs ({held.live} live), last news {last_news}, schema {held.schema}"


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
