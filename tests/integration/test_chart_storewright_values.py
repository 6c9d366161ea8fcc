"""The values of the bot's chart: its schema, required, deprecated and malformed values, and the notes."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from jsonschema import Draft7Validator

from dev.charts import bot_chart
from tests.charts.test_values import changed, described, leaves, nodes, schema_of, values_of
from tests.charts.variants import Rendered, Variants
from tests.integration.bot_chart_rendering import CHART, FEATURES, NAMESPACE, environment, notes, render
from tests.workers import once_a_run

VARIANTS = Variants(CHART, "bot", NAMESPACE, bot_chart.VALUES)
EVERYTHING_ON = tuple(setting for name in FEATURES if not name.startswith("no-") for setting in FEATURES[name])
MALFORMED = [
    *('slack.mode="rtm"', 'slack.failureChannel="#failures"', 'slack.admins=["dana"]', 'slack.secretName=""'),
    *(
        'publicUrl="storewright.example.com"',
        'publicUrl="https://example.com/path"',
        'stores.domain="*.example.com"',
    ),
    *("stores.port=0", "limits.workers=65", 'instance="My Shops"', 'executor="nomad"', "httpRoute.enabled=true"),
    *("networkPolicy.dns=[]", "podDisruptionBudget.maxUnavailable=2", 'ledger.storage.size="much"'),
    *("patienceSeconds.image=-1", "patienceSeconds.wrong_answer=1"),
    *('stores.quota.pods="many"', "stores.quota.pots=1"),
    *("stores.limitRange.default.ram=1", "networkPolicy.dnsPorts=[]", 'pod.securityContext.runAsUser="root"'),
    *("deadlineSeconds.create=9", "deadlineSeconds.Restart=60", 'deadlineSeconds.restart="1m"'),
    *("limits.createDeadline=9", "limits.jobsAtOnce=0", "ledger.backups.hours=0", "ledger.backups.kept=0"),
]
# Deprecated values: the new name, a value to set, and the environment variable that it becomes.
DEPRECATED = {
    "limits.createDeadline": ("deadlineSeconds.create", 901, "CREATE_DEADLINE_SECONDS"),
    "limits.deleteDeadline": ("deadlineSeconds.delete", 301, "DELETE_DEADLINE_SECONDS"),
    "limits.upgradeDeadline": ("deadlineSeconds.upgrade", 1801, "UPGRADE_DEADLINE_SECONDS"),
    "limits.jobsAtOnce": ("limits.maxConcurrentJobs", 51, "MAX_CONCURRENT_JOBS"),
    "ledger.backups.hours": ("ledger.backups.intervalHours", 7.5, "LEDGER_BACKUP_INTERVAL_HOURS"),
    "ledger.backups.kept": ("ledger.backups.keep", 29, "LEDGER_BACKUP_KEEP"),
}
# Replacement values: the test uses the first that the schema accepts.
OTHERS: list[Any] = [
    *(
        True,
        False,
        0,
        2,
        11,
        8111,
        "other",
        "77Mi",
        "45s",
        "http",
        "kubernetes",
        "DEBUG",
        "Never",
        "local",
        "C0OTHERS",
        "7%",
        "45d",
    ),
    *("/other", "https://other.example.com", "https://other.example.com/", "10.1.2.3:80"),
    *(
        {"other.example.com/key": "1"},
        {"medusa": {"replicas": 2}},
        {"medusa": "2h"},
        ["U0OTHER01"],
        [8443],
        [{"name": "other"}],
    ),
    [{"ipBlock": {"cidr": "10.1.2.3/32"}}],
]


def test_helm_lint_passes() -> None:
    command = ["helm", "lint", "--strict", str(CHART), f"--values={bot_chart.VALUES}"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_missing_required_values_are_reported_together() -> None:
    refused = subprocess.run(["helm", "template", str(CHART)], capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert all(name in refused.stderr for name in ("slack.failureChannel", "publicUrl", "stores.domain"))


def test_schema_describes_and_a_template_reads_every_value() -> None:
    values = {}
    for path, value in leaves(CHART):
        if path[:2] == ("dashboard", "labels"):
            continue  # any label is valid
        takes = described(schema_of(CHART), path)
        assert takes.is_valid(value), path
        other = next(o for o in OTHERS if takes.is_valid(o) and json.dumps(o) != json.dumps(value))
        values[path] = (other, value)
    assert VARIANTS.unread(values, ([], EVERYTHING_ON)) == []


def test_schema_rejects_unknown_values_in_every_map() -> None:
    maps = [path for path, node in nodes(values_of(CHART)) if isinstance(node, dict) and node]
    takes = Draft7Validator(schema_of(CHART))
    for path in maps:
        if path == ("deadlineSeconds",):
            continue  # it accepts any operation
        assert not takes.is_valid(changed(values_of(CHART), (*path, "unknown"), 1)), path


@once_a_run
def malformed() -> dict[str, Rendered]:
    return dict(zip(MALFORMED, VARIANTS.render([[bad] for bad in MALFORMED]), strict=True))


@pytest.mark.parametrize("bad", MALFORMED)
def test_schema_rejects_malformed_values(bad: str) -> None:
    refused = malformed()[bad]
    assert not refused.stdout
    assert "don't meet the specifications" in refused.stderr


# --- deprecated values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("former", DEPRECATED)
def test_deprecated_value_still_works_and_the_notes_warn(former: str) -> None:
    name, value, variable = DEPRECATED[former]
    default = environment(render())
    assert environment(render(f"{former}={value}")) == default | {variable: str(value)}
    assert environment(render(f"{name}={value}")) == default | {variable: str(value)}, "the new name sets the same"
    assert f"WARNING: The value {former} is deprecated. Use {name} instead" in notes(f"--set-json={former}={value}")
    assert "deprecated" not in notes(f"--set-json={name}={value}")


def test_deprecated_values_are_no_defaults() -> None:
    names = {".".join(path) for path, _ in nodes(values_of(CHART))}
    assert not DEPRECATED.keys() & names
    assert {name for name, _, _ in DEPRECATED.values()} <= names


def test_notes_warn_once_for_each_deprecated_value() -> None:
    given = [f"--set-json={former}={value}" for former, (_, value, _) in DEPRECATED.items()]
    assert notes(*given).count("WARNING: ") == len(DEPRECATED)


def test_deadline_of_a_further_operation_reaches_the_bot() -> None:
    assert environment(render("deadlineSeconds.restart=60"))["RESTART_DEADLINE_SECONDS"] == "60"


# --- notes -------------------------------------------------------------------------------------------------------


def test_notes_show_the_next_steps() -> None:
    for mode, key in {"http": "SLACK_SIGNING_SECRET", "socket": "SLACK_APP_TOKEN"}.items():
        shown = notes(f"--set=slack.mode={mode}")
        assert "kubectl -n tools create secret generic storewright-slack --from-env-file=slack.env\n" in shown
        assert f"Write SLACK_BOT_TOKEN=… and {key}=… to the file slack.env, one per line." in shown
        assert ("/slack/events" in shown) == (mode == "http")
