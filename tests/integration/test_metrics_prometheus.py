"""Alerts and dashboard in a real Prometheus: promtool tests the rules, and every query runs on the bot's metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import local_http, prometheus
from dev.slack import LocalSlack
from provisioner.clients.helm import Helm
from provisioner.domain.errors import Problem
from provisioner.ledger.backup import Backups
from provisioner.runner.kept_backups import Room
from tests.conftest import ROOT
from tests.integration.bot_harness import Bot, running_bot
from tests.unit.sample_stores import BACKUPS
from tests.waiting import answers, until
from tests.workers import free_address

FILES = ROOT / "charts/storewright/files"
RULES = FILES / "rules.yaml"
RULES_TEST = Path(__file__).parent / "prometheus/rules_test.yaml"
# Grafana variables and macros, and their values here.
GRAFANA = {"$namespace": "", "$job": "storewright", "$__rate_interval": "1m"}


@pytest.fixture(scope="session")
def promtool() -> Callable[..., str]:
    """Run promtool and return its output; the test fails if it fails."""
    program = prometheus.program_dir() / "promtool"

    def run(*args: str | Path, cwd: Path = ROOT) -> str:
        done = subprocess.run([program, *args], cwd=cwd, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels() -> dict[str, list[str]]:
    """The dashboard's queries by panel title, with values for Grafana's variables."""
    found = {}
    for panel in json.loads((FILES / "dashboard.json").read_text())["panels"]:
        queries = [target["expr"] for target in panel.get("targets", [])]
        for variable, value in GRAFANA.items():
            queries = [query.replace(variable, value) for query in queries]
        found[f"{panel['title']} ({panel['id']})"] = queries
    return {title: queries for title, queries in found.items() if queries}


# --- alerts ------------------------------------------------------------------------------------------------------


def test_rules_are_valid(promtool: Callable[..., str]) -> None:
    assert f"{len(rules())} rules found" in promtool("check", "rules", RULES)


def test_alerts_fire_when_they_should_and_describe_the_fix(promtool: Callable[..., str], tmp_path: Path) -> None:
    shutil.copy(RULES, tmp_path)
    shutil.copy(RULES_TEST, tmp_path)
    promtool("test", "rules", RULES_TEST.name, cwd=tmp_path)


def test_rules_test_has_every_alert_both_silent_and_firing() -> None:
    tested: dict[str, set[bool]] = {}
    for group in yaml.safe_load(RULES_TEST.read_text())["tests"]:
        for one in group["alert_rule_test"]:
            tested.setdefault(one["alertname"], set()).add(bool(one["exp_alerts"]))
    assert tested == {rule["alert"]: {True, False} for rule in rules()}


def test_operating_page_explains_every_alert() -> None:
    page = (ROOT / "docs/operating.md").read_text()
    assert [rule["alert"] for rule in rules() if rule["alert"] not in page] == []


# --- the dashboard, and all queries, on real numbers -------------------------------------------------------------


@dataclass
class Scraped:
    """A Prometheus that scrapes a bot after some jobs."""

    url: str

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The present samples; fails with Prometheus' message for a query that it refuses."""
        answer = local_http.get(f"{self.url}/api/v1/query", params={"query": query}).json()
        assert answer["status"] == "success", f"{query}: {answer}"
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def numbers(self, query: str) -> list[float]:
        return [number for sample in self.ask(query) if not isnan(number := float(sample["value"][1]))]

    def names(self) -> set[str]:
        answer = local_http.get(f"{self.url}/api/v1/label/__name__/values").json()
        return set(answer["data"])


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    folder, url = tmp_path_factory.mktemp("prometheus"), free_address()
    with LocalSlack(rate_limits={}) as slack, running_bot(folder / "bot", slack) as bot:
        job = {"job_name": "storewright", "static_configs": [{"targets": [bot.url.removeprefix("http://")]}]}
        config = {"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"}, "scrape_configs": [job]}
        config["rule_files"] = [str(RULES)]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        command = [str(prometheus.program_dir() / "prometheus"), f"--config.file={folder}/prometheus.yml"]
        command += [f"--storage.tsdb.path={folder}/data", f"--web.listen-address={url.removeprefix('http://')}"]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            server = Scraped(url)
            until("Prometheus is ready", lambda: answers(f"{url}/-/ready"))
            until("it scrapes the bot", lambda: server.numbers('up{job="storewright"}') == [1])
            _work(bot, slack)
            yield server
        finally:
            process.terminate()
            process.wait()


def _work(bot: Bot, slack: LocalSlack) -> None:
    """Stores that become ready and fail, runs of helm, rate limits of Slack; scraped in between."""
    helm = Helm(on_run=bot.metrics.record_helm_run)
    with bot.http() as http:
        http.get("/readyz")
    Backups(bot.ledger.path).make()
    for number in range(3):
        slack.fault("ratelimited", "chat.update", seconds=1)
        for name in (f"good-{number}", f"bad-{number}", f"waiting-{number}"):
            assert slack.command("Ada", "#stores", f"/store create {name}").ok
        bot.finish()
        bot.fail(Problem("No."))
        bot.finish()
        helm.version()
        time.sleep(1.2)
    bot.ledger.store_backups.add(replace(BACKUPS[0], store_id=bot.store("good-0").id, made_at=bot.clock()))
    bot.ledger.store_backups.note_proven(BACKUPS[0].id, bot.clock())
    bot.room = Room(9_000_000_000, 10_000_000_000)
    slack.command("Ada", "#stores", "/store create last-one")
    time.sleep(1.2)


@pytest.mark.parametrize("title", panels())
def test_panel_shows_a_number_of_the_bot(scraped: Scraped, title: str) -> None:
    for query in panels()[title]:
        assert scraped.numbers(query), f"no number for {query}"


@pytest.mark.parametrize("alert", [rule["alert"] for rule in rules()])
def test_alert_uses_metrics_that_exist(scraped: Scraped, alert: str) -> None:
    query = next(rule["expr"] for rule in rules() if rule["alert"] == alert)
    scraped.ask(query)
    asked = {name.removesuffix("_total") for name in re.findall(r"\bstorewright_\w+|\bup(?=\{)", query)}
    assert asked
    assert asked <= {name.removesuffix("_total") for name in scraped.names()}


def test_queries_select_by_labels_that_exist(scraped: Scraped) -> None:
    """A misspelt label selects nothing, so that its alert never fires."""
    for query in [*(rule["expr"] for rule in rules()), *(q for queries in panels().values() for q in queries)]:
        for name, labels in re.findall(r"(storewright_\w+)\{([^}]*)\}", query):
            known = {label for sample in scraped.ask(name) for label in sample["metric"]}
            assert set(re.findall(r"(\w+)[!=]~?=?", labels)) - {"namespace"} <= known, f"{name} in {query}"
        for by, inside in re.findall(r"by \(([^)]*)\) \((.*)", query):
            [name] = re.findall(r"storewright_\w+", inside)[:1]
            known = {label for sample in scraped.ask(name) for label in sample["metric"]}
            assert set(re.split(r",\s*", by)) - {"namespace"} <= known, f"{by} of {name}"


def test_no_alert_fires_for_a_healthy_bot(scraped: Scraped) -> None:
    firing = {sample["metric"]["alertname"] for sample in scraped.ask('ALERTS{alertstate="firing"}')}
    assert firing <= {"StorewrightCreationsFail"}, "three creations did fail"


def test_metric_names_follow_the_conventions_of_prometheus(tmp_path: Path) -> None:
    program = prometheus.program_dir() / "promtool"
    with LocalSlack(rate_limits={}) as slack, running_bot(tmp_path, slack) as bot, bot.http() as http:
        text = http.get("/metrics").text
    done = subprocess.run([program, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() + done.stdout.splitlines() if line.startswith("storewright_")]
    assert ours == []
