"""Every `storewright …` of docs/operating.md is typed, in order, beside a bot whose worker is played."""

from __future__ import annotations

import json
import re
import shlex
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.settings import variables
from dev.slack import LocalSlack
from provisioner.domain.store import Addresses
from provisioner.ledger.backup import Backups
from provisioner.ledger.ledger import Ledger
from tests.conftest import ROOT
from tests.integration.bot_harness import Bot, running_bot
from tests.integration.test_bot_process import environment

PAGE = (ROOT / "docs/operating.md").read_text()


def typed(program: str) -> list[str]:
    """The page's commands of a program: indented lines that begin with it."""
    return [found["command"] for found in re.finditer(rf"^    (?P<command>{program} .*)$", PAGE, re.MULTILINE)]


def test_what_operators_are_told_to_type_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.stores.configure_logging", lambda level: None)
    with LocalSlack() as slack, running_bot(tmp_path, slack) as bot:
        for name, value in environment(tmp_path, bot.url, slack).items():
            monkeypatch.setenv(name, value)
        over = threading.Event()
        worker = threading.Thread(target=_finish_jobs, args=(bot, over))
        worker.start()
        for command in typed("storewright"):
            newest = Backups(tmp_path / "ledger.db").newest()
            words = re.sub(r"ledger-\w+\.db", newest.path.name if newest else "", command)
            words, *written = words.split(" > ")
            words, *read = words.split(" < ")
            given = (tmp_path / read[0]).read_bytes() if read else None
            done = CliRunner().invoke(main, shlex.split(words)[1:], input=given)
            for file in written:
                (tmp_path / file).write_bytes(done.stdout_bytes)
            well = (0, 1) if "doctor" in command else (0,)  # which finds no cluster here
            assert done.exit_code in well, f"{command}: {done.output} {done.exception!r}"
            assert done.output.strip(), command
        over.set()
        worker.join()
    assert len(typed("storewright")) > 8


def _finish_jobs(bot: Bot, over: threading.Event) -> None:
    while not over.wait(0.05):
        if bot.ledger.counts()["queue"][0][0]:
            bot.finish()


def test_the_cluster_is_named_as_the_chart_names_it() -> None:
    commands = typed(r"kubectl .*\b(exec|rollout|logs|secret)")
    assert len(commands) > 3
    assert [command for command in commands if "kubectl -n storewright " not in command] == []
    named = [command for command in commands if "deployment/" in command]
    assert named
    assert all("deployment/storewright" in command for command in named)
    assert [command for command in typed("helm .*storewright") if "-n storewright" not in command] == []


def test_a_restore_ends_by_what_the_page_says_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_PATH", str(tmp_path / "ledger.db"))
    Ledger(tmp_path / "ledger.db", Addresses("shops.example.com")).close()
    made = Backups(tmp_path / "ledger.db").make()
    done = CliRunner().invoke(main, ["ledger", "restore", made.path.name, "--yes"])
    (command,) = re.findall(r"kubectl .*", done.output)
    assert command in typed("kubectl")


def test_every_value_it_names_is_the_charts() -> None:
    schema = json.loads((ROOT / "charts/storewright/values.schema.json").read_text())
    named = re.findall(r"`((?:limits|ledger|worker|slack|stores|pod|resources)\.[A-Za-z.]+[A-Za-z])[`:]", PAGE)
    assert {"limits.workers", "ledger.storage.size", "ledger.backups.intervalHours"} <= set(named)
    for name in named:
        place = schema
        for key in name.split("."):
            assert key in place["properties"], f"{name} is no value of the chart"
            place = place["properties"][key]


def test_every_metric_and_setting_it_tells_of_is_there(tmp_path: Path) -> None:
    with LocalSlack() as slack, running_bot(tmp_path, slack) as bot, bot.http() as http:
        slack.command("Dana", "#stores", "/store create my-shop")
        bot.finish()
        bot.settled()
        http.get("/readyz")
        bot.metrics.ran_helm("upgrade", "ok", 1)
        there = set(re.findall(r"^# TYPE (storewright_\w+) ", http.get("/metrics").text, re.MULTILINE))
    told = set(re.findall(r"`(storewright_\w+)`", PAGE))
    assert told == there - {name for name in there if name.endswith("_created")}
    settings = {name for name, _, _ in variables()}
    assert set(re.findall(r"\b((?:LEDGER|OPS)_\w+)", PAGE)) <= settings
