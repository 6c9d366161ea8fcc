"""`storewright audit`: shows, exports and verifies the audit log."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime

import click

from bot.cli.output import errors_as_text
from bot.rendering.terminal_text import mark
from bot.settings import LedgerSettings
from provisioner.domain.text import one_line
from provisioner.ledger.ledger import Ledger


class Since(click.ParamType[float]):
    """A date or time in ISO 8601, in UTC unless it says otherwise, as epoch seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"“{value}” is no time. Write 2026-11-01 or 2026-11-01T09:30.", param, ctx)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


@click.group(invoke_without_command=True)
@click.option("--store", default="", metavar="NAME", help="Only requests about stores with this name.")
@click.option("--since", type=Since(), help="Only requests from that time on: 2026-11-01 or 2026-11-01T09:30 (UTC).")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each request, for programs.")
@click.pass_context
def audit(context: click.Context, store: str, since: float | None, as_json: bool) -> None:
    """Show who did what to which store, oldest first.

    The audit log has every command, click, form and revealed credential, with its outcome. Rows can only be added.

    \b
    Examples:
      storewright audit --store my-shop
      storewright audit --json --since 2026-11-01 > november.jsonl
      storewright audit verify
    """
    if context.invoked_subcommand:
        return
    with errors_as_text(), _opened() as ledger:
        for row in ledger.audit.since(since or 0.0, store):
            click.echo(json.dumps(row) if as_json else _line(row))


@audit.command()
@click.option("--head", default="", metavar="HASH", help="The hash that an earlier verification printed.")
def verify(head: str) -> None:
    """Check that no row of the audit log was changed or removed.

    Each row has a hash of itself and the row before it. Keep the printed hash on another machine: with --head, the next
    verification finds removed rows at the end too. The exit status is 1 if something is wrong.

    \b
    Examples:
      storewright audit verify
      storewright audit verify --head 5e88…
    """
    with errors_as_text(), _opened() as ledger:
        if breaks := list(ledger.audit.breaks(head)):
            for sentence in breaks:
                click.echo(f"{mark('wrong')} {sentence}")
            click.echo("Look at who had access to the ledger. `storewright ledger backups` lists older copies of it.")
            raise SystemExit(1)
        newest = ledger.audit.rows(limit=1)
        count, last = (newest[0]["id"], newest[0]["hash"]) if newest else (0, "none")
        click.echo(f"{mark('ok')} {count} rows, none changed or removed. The hash of the last: {last}")


def _opened() -> closing[Ledger]:
    return closing(Ledger.shared(LedgerSettings.from_environment().ledger_path))


def _line(row: dict[str, object]) -> str:
    at = datetime.fromtimestamp(float(str(row["at"])), UTC).strftime("%Y-%m-%d %H:%M:%S")
    what = one_line(f"{row['detail'] or row['action']}: {row['reason']}".removesuffix(": "))
    return f"{at}  {row['actor']:<12} {one_line(str(row['store'])) or '-':<20} {row['outcome']:<9} {what}"
