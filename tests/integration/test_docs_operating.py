"""The commands, values, metrics and settings in docs/operating.md: every `storewright …` runs, in order, with a bot.

A thread of the test plays the bot's worker."""

from __future__ import annotations

import json
import re
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.__main__ import main
from bot.former_settings import FORMER_NAMES
from bot.settings import variables
from dev.slack import LocalSlack
from provisioner.domain.errors import Problem
from provisioner.ledger.backup import Backups
from provisioner.ledger.ledger import Ledger
from provisioner.log_context import new_id
from provisioner.operations.upgrade import UPGRADE
from provisioner.orders import OrderContext
from tests.conftest import ROOT
from tests.integration.bot_harness import ADA, STORES, Bot, running_bot
from tests.integration.test_bot_process import environment
from tests.unit.sample_stores import BACKUPS

PAGE = (ROOT / "docs/operating.md").read_text()


def commands_of(program: str) -> list[str]:
    """The page's commands of a program: indented lines that begin with it."""
    return [found["command"] for found in re.finditer(rf"^ {{4,}}(?P<command>{program} .*)$", PAGE, re.MULTILINE)]


# --- the commands ------------------------------------------------------------------------------------------------


def test_every_command_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalSlack(rate_limits={}) as slack, running_bot(tmp_path, slack) as bot:
        for name, value in environment(tmp_path, bot.url, slack).items():
            monkeypatch.setenv(name, value)
        with working(bot) as paused:
            for command in commands_of("storewright"):
                if command.startswith("storewright retry "):
                    with paused:
                        fail_an_upgrade(bot)
                if command.startswith(("storewright prove ", "storewright restore ")):
                    bot.ledger.store_backups.add(replace(BACKUPS[0], store_id=bot.store().id))
                if command.startswith("storewright undelete "):
                    keep_deleted(bot)
                done = run(command, tmp_path)
                # There is no cluster here: tests/e2e has these with one.
                verb = command.split()[1]
                expected = {
                    "cancel": (2,),  # nothing runs
                    "doctor": (0, 1),
                    "export": (1,),
                    "logs": (1,),
                    "import": (2,),
                    "recover": (2,),
                    "rollback": (1,),
                }.get(verb, (0,))
                assert done.exit_code in expected, f"{command}: {done.output} {done.exception!r}"
                assert done.output.strip(), command
    assert len(commands_of("storewright")) > 8


def keep_deleted(bot: Bot) -> None:
    """As the deletion's job does, which only pretends to work here."""
    gone = bot.ledger.stores.last_deleted("my-shop")
    assert gone
    bot.ledger.stores.keep_until(gone.id, bot.ledger.clock() + 1000)


def run(command: str, folder: Path) -> Result:
    """Run a command of the page; its files are in `folder`, and its backup is the newest one."""
    newest = Backups(folder / "ledger.db").newest()
    words = re.sub(r"ledger-\w+\.db", newest.path.name if newest else "", command)
    words, *written = words.split(" > ")
    words, *read = words.split(" < ")
    given = (folder / read[0]).read_bytes() if read else None
    done = CliRunner().invoke(main, shlex.split(words)[1:], input=given)
    for file in written:
        (folder / file).write_bytes(done.stdout_bytes)
    return done


@contextmanager
def working(bot: Bot) -> Iterator[threading.Lock]:
    """A worker whose jobs all succeed; it pauses while the lock is held."""
    paused, stopping = threading.Lock(), threading.Event()

    def work() -> None:
        while not stopping.wait(0.05):
            with paused:
                if bot.queued_jobs():
                    bot.finish()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield paused
    finally:
        stopping.set()
        worker.join()


def fail_an_upgrade(bot: Bot) -> None:
    bot.orders.place(OrderContext(bot.orders.actor(ADA), STORES, new_id()), UPGRADE, bot.store().id)
    bot.fail(Problem("The image is missing."), rolled_back=True)


def test_commands_for_the_cluster_use_the_names_of_the_chart() -> None:
    commands = commands_of(r"kubectl .*\b(exec|rollout|logs|secret)")
    assert len(commands) > 3
    assert [command for command in commands if "kubectl -n storewright " not in command] == []
    with_deployment = [command for command in commands if "deployment/" in command]
    assert with_deployment
    assert all("deployment/storewright" in command for command in with_deployment)
    assert [command for command in commands_of("helm .*storewright") if "-n storewright" not in command] == []


def test_command_that_a_restore_prints_is_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_PATH", str(tmp_path / "ledger.db"))
    Ledger.exclusive(tmp_path / "ledger.db").close()
    made = Backups(tmp_path / "ledger.db").make()
    done = CliRunner().invoke(main, ["ledger", "restore", made.path.name, "--yes"])
    (command,) = re.findall(r"kubectl .*", done.output)
    assert command in commands_of("kubectl")


# --- the names ---------------------------------------------------------------------------------------------------


def test_chart_has_every_value_of_the_page() -> None:
    schema = json.loads((ROOT / "charts/storewright/values.schema.json").read_text())
    named = re.findall(r"`((?:limits|ledger|worker|slack|stores|pod|resources)\.[A-Za-z.]+[A-Za-z])[`:]", PAGE)
    assert {"limits.workers", "ledger.storage.size", "ledger.backups.intervalHours"} <= set(named)
    for name in named:
        node = schema
        for key in name.split("."):
            assert key in node["properties"], f"the chart has no value {name}"
            node = node["properties"][key]
            node = schema["definitions"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def test_page_has_every_metric_and_no_unknown_setting(tmp_path: Path) -> None:
    with LocalSlack(rate_limits={}) as slack, running_bot(tmp_path, slack) as bot, bot.http() as http:
        slack.command("Dana", "#stores", "/store create my-shop")
        bot.finish()
        bot.settled()
        http.get("/readyz")
        bot.metrics.record_helm_run("upgrade", "ok", 1)
        scraped = set(re.findall(r"^# TYPE (storewright_\w+) ", http.get("/metrics").text, re.MULTILINE))
    explained = set(re.findall(r"`(storewright_\w+)`", PAGE))
    assert explained == scraped - {name for name in scraped if name.endswith("_created")}
    settings = {name for name, _, _ in variables()} | FORMER_NAMES.keys()
    assert set(re.findall(r"\b((?:LEDGER|OPS)_\w+)", PAGE)) <= settings
