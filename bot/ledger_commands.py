"""`storewright ledger …`: backups of the ledger, made and restored while the bot runs, and a check of either."""

from __future__ import annotations

import time
from pathlib import Path

import click

from bot.settings import LedgerSettings
from bot.shown import complaints, mark
from provisioner.backups import Backups, contents_of, faults_of, require_sound


@click.group()
def ledger() -> None:
    """Back up, restore and check the ledger, beside a running bot."""


@ledger.command()
def backup() -> None:
    """Make a backup now, checked, and print where it is."""
    with complaints():
        made = _backups().make()
        click.echo(f"{mark('ok')} {made.path} ({_size(made.bytes)})")


@ledger.command()
def backups() -> None:
    """List the backups there are, newest first."""
    with complaints():
        of = _backups()
        for kept in reversed(of.kept()):
            click.echo(f"{kept.path.name:<50} {_when(kept.made_at)}  {_size(kept.bytes)}")
        if not of.kept():
            click.echo(f"There are none in {of.folder}. Make one: storewright ledger backup")


@ledger.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
def check(file: Path | None) -> None:
    """Read the ledger (or a backup) whole and say whether it is sound."""
    with complaints():
        of = _backups()
        path = _find(of, file) if file else of.ledger
        if faults := faults_of(path):
            for fault in faults:
                click.echo(f"{mark('wrong')} {path}: {fault}")
            raise SystemExit(1)
        held = contents_of(path)
        click.echo(
            f"{mark('ok')} {path} is sound: {held.stores} stores, {held.jobs} jobs ({held.live} live), "
            f"last news {_when(held.as_of) if held.as_of else 'never'}, schema {held.schema}"
        )


@ledger.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(file: Path, yes: bool) -> None:
    """Let a backup (its name or path) take the ledger's place at the bot's next start."""
    with complaints():
        of = _backups()
        found = _find(of, file)
        require_sound(found)
        held = contents_of(found)
        click.echo(f"{found.name}: {held.stores} stores, {held.jobs} jobs, last news {_when(held.as_of)}")
        if not yes:
            click.confirm("Let it take the ledger's place? What is there now is kept as a backup.", abort=True)
        of.offer(found)
        click.echo(f"{mark('ok')} It is taken at the bot's next start; in a cluster:")
        click.echo("  kubectl rollout restart deployment/storewright")
        click.echo(f"To think better of it before: rm {of.offered}")


def _backups() -> Backups:
    return LedgerSettings.from_environment().backups()


def _find(of: Backups, file: Path) -> Path:
    """A backup by its name alone, else any file."""
    kept = of.folder / file
    return kept if not file.exists() and kept.exists() else file


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
