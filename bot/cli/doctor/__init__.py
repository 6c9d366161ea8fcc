"""`storewright doctor`: looks at everything the bot stands on, and says how to mend what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace

import click

from bot.cli.doctor import cluster, local_checks, slack, store_prerequisites
from bot.cli.doctor.environment import Site, load_site
from bot.cli.doctor.findings import Check, Finding, examine, wrong
from bot.rendering.terminal_text import mark
from bot.settings import BadSettings, Settings

CHECKS: tuple[Check[Site], ...] = (
    Check("settings", local_checks.settings),
    Check("ledger", local_checks.ledger),
    Check("backups", local_checks.backups),
    Check("helm", local_checks.helm),
    Check("charts", local_checks.charts),
    Check("cluster", cluster.version),
    Check("rights", cluster.rights),
    Check("store rights", cluster.store_rights),
    Check("admission", cluster.admission),
    Check("resource types", store_prerequisites.kinds),
    Check("storage", store_prerequisites.storage),
    Check("ingress class", store_prerequisites.ingress_class),
    Check("DNS", store_prerequisites.dns),
    Check("ingress", store_prerequisites.ingress),
    Check("images", store_prerequisites.images),
    Check("stores", store_prerequisites.known),
    Check("Slack token", slack.token),
    Check("Slack scopes", slack.scopes),
    Check("clock", slack.clock),
    Check("failure channel", slack.failure_channel),
    Check("Socket Mode", slack.socket),
    Check("public address", local_checks.public_address),
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(as_json: bool) -> None:
    """Check settings, Slack, cluster, stores' needs and ledger, and say how to mend what is wrong.

    ✓ is well, ✗ is wrong, ! is worth a look or can't be told from here. The exit status is 1 where anything is ✗."""
    found: list[Finding] = []
    for finding in diagnose():
        found.append(finding)
        if not as_json:
            _print(finding)
    count = {status: sum(one.status == status for one in found) for status in ("ok", "wrong", "unsure")}
    if as_json:
        click.echo(json.dumps({"well": not count["wrong"], "findings": [asdict(one) for one in found]}, indent=2))
    else:
        click.echo("  ".join(f"{mark(status)} {number}" for status, number in count.items()))
    raise SystemExit(1 if count["wrong"] else 0)


def diagnose() -> Iterator[Finding]:
    """All findings, by the environment's settings. Where these can't be used, nothing else can be told."""
    try:
        site = load_site(Settings.from_environment())
    except BadSettings as error:
        for line in str(error).splitlines():
            yield replace(wrong(line, "Set it; all are listed by: storewright run --help"), check="settings")
        return
    yield from examine(site, CHECKS)


def _print(finding: Finding) -> None:
    click.echo(f"{mark(finding.status)} {finding.check:<16} {finding.message}")
    if finding.fix and finding.status != "ok":
        click.echo(f"{'':18} → {finding.fix}")
