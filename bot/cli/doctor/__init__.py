"""`storewright doctor`: checks the whole installation and shows how to fix it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace

import click

from bot.cli.doctor import cluster, local_checks, slack, store_backups, store_prerequisites
from bot.cli.doctor.environment import Environment, load_environment
from bot.cli.doctor.findings import Check, Finding, run_checks, wrong
from bot.rendering.terminal_text import mark
from bot.settings import BadSettings, Settings

CHECKS: tuple[Check[Environment], ...] = (
    Check("settings", local_checks.settings),
    Check("ledger", local_checks.ledger),
    Check("backups", local_checks.backups),
    Check("helm", local_checks.helm),
    Check("charts", local_checks.charts),
    Check("cluster", cluster.version),
    Check("rights", cluster.permissions),
    Check("store rights", cluster.store_permissions),
    Check("admission", cluster.admission),
    Check("resource types", store_prerequisites.resource_types),
    Check("storage", store_prerequisites.storage_classes),
    Check("ingress class", store_prerequisites.ingress_classes),
    Check("DNS", store_prerequisites.dns),
    Check("ingress", store_prerequisites.ingress),
    Check("images", store_prerequisites.images),
    Check("stores", store_prerequisites.stores),
    Check("backup server", store_backups.server),
    Check("backup room", store_backups.room),
    Check("backup keys", store_backups.keys),
    Check("backup ages", store_backups.ages),
    Check("Slack token", slack.token),
    Check("Slack scopes", slack.scopes),
    Check("clock", slack.clock),
    Check("failure channel", slack.failure_channel),
    Check("Socket Mode", slack.socket),
    Check("public address", local_checks.own_host),
    Check("public address", local_checks.public_address),
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, for programs.")
def doctor(as_json: bool) -> None:
    """Check the whole installation and show how to fix it.

    Checks the settings, the ledger, the cluster, what stores need there, and Slack. Run it after each installation
    or change of settings, and when the bot does not work. It changes nothing.

    \b
    ✓  ok
    ✗  wrong: the next line shows the fix; the exit status is 1
    !  worth a look, or impossible to check from here

    \b
    Example, in the pod of the bot:
      kubectl -n storewright exec deployment/storewright -- storewright doctor
    """
    findings: list[Finding] = []
    for finding in diagnose():
        findings.append(finding)
        if not as_json:
            _print(finding)
    counts = {status: sum(finding.status == status for finding in findings) for status in ("ok", "wrong", "unsure")}
    if as_json:
        report = {"well": not counts["wrong"], "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(report, indent=2))
    else:
        click.echo("  ".join(f"{mark(status)} {count}" for status, count in counts.items()))
    raise SystemExit(1 if counts["wrong"] else 0)


def diagnose() -> Iterator[Finding]:
    """Findings of all checks, or only the invalid settings."""
    try:
        environment = load_environment(Settings.from_environment())
    except BadSettings as error:
        for line in str(error).splitlines():
            yield replace(wrong(line, "Fix this variable. All settings: storewright run --help"), check="settings")
        return
    yield from run_checks(environment, CHECKS)


def _print(finding: Finding) -> None:
    click.echo(f"{mark(finding.status)} {finding.check:<16} {finding.message}")
    if finding.fix and finding.status != "ok":
        click.echo(f"{'':18} → {finding.fix}")
