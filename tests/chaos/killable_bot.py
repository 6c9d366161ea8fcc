"""A bot in a process that a plan or a test kills, with a local Slack and a ledger that outlive it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import psutil

from dev.background import BackgroundProcess
from dev.slack import LocalSlack
from dev.stack import ADMIN, ROOT, Stack
from provisioner.domain.job import LIVE
from tests.chaos.boundaries import LOG
from tests.chaos.launcher import CLOCK, FOLDER, SABOTAGE

CHARTS = Path(__file__).parent / "charts"
TYPE = "pamphlet"
DANA = "U0DANA001"
UNLIMITED = {"STORES_PER_PERSON": "1000000", "CREATIONS_PER_HOUR": "1000000"}


class Launcher:
    """A process of `tests.chaos.launcher`, which starts bots for as long as this process lives."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.chaos.launcher", *arguments]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
        self._lock = Lock()

    def start(self, bot: BackgroundProcess, environment: Mapping[str, str]) -> None:
        """Start this bot, and do not wait for it."""
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:
            print(json.dumps(environment), file=self._process.stdin, flush=True)
            pid = int(self._process.stdout.readline())
        with suppress(psutil.NoSuchProcess):  # the plan has ended it already
            bot.record(pid)


launcher = cache(Launcher)  # one for all bots; another one for those whose clock moves


def kill(bot: BackgroundProcess) -> None:
    """SIGKILL, and wait for the end."""
    if process := bot.process():
        process.kill()
        process.wait(10)


@dataclass
class KillableBot(Stack):
    """One bot; `sabotage` is one of `sabotage.SWITCHES`, or ''. With `moves_clock` it follows `clock.move`."""

    sabotage: str = ""
    moves_clock: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.charts = self.folder / "charts"
        shutil.copytree(CHARTS, self.charts, dirs_exist_ok=True)
        # Slack's pace is not the subject, and would make each cycle ten times as long.
        self.local_slack = LocalSlack(
            self.bot_url,
            port=int(self.config["slack_port"]),
            signing_secret=self.config["SLACK_SIGNING_SECRET"],
            bot_token=self.config["SLACK_BOT_TOKEN"],
            app_token=self.config["SLACK_APP_TOKEN"],
            rate_limits={},
        )
        ours = {"CHARTS_DIR": str(self.charts), "ADMINS": f"{DANA},{ADMIN}", "STORE_VALUES": "", **UNLIMITED}
        self.settings = {**ours, **self.settings}

    @property
    def ledger_file(self) -> Path:
        return Path(self.settings.get("LEDGER_PATH", self.folder / "ledger.db"))

    @property
    def type_name(self) -> str:
        return TYPE

    # --- the process ------------------------------------------------------------------------------------------------

    @cached_property
    def process_environment(self) -> dict[str, str]:
        """Made once: it takes three runs of kubectl."""
        return {**self.bot_environment(), FOLDER: str(self.folder), SABOTAGE: self.sabotage}

    def launch(self) -> None:
        """Start the process, and do not wait for it."""
        arguments = [CLOCK] if self.moves_clock else []
        launcher(*arguments).start(self.bot_process, self.process_environment)

    def start_bot(self) -> None:
        """Start the process and wait until it is ready. Raises StackError where it ends before."""
        self.launch()
        self._wait_until_ready(self.bot_process, f"{self.bot_url}/readyz")

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        kill(self.bot_process)

    def is_dead(self) -> bool:
        return self.bot_process.process() is None

    # --- what it left -----------------------------------------------------------------------------------------------

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a query on the ledger, which the bot may be writing.

        SQLite cannot open a ledger read-only while its write-ahead log is missing, as after the bot's end."""
        with closing(sqlite3.connect(f"{self.ledger_file.as_uri()}?mode=rw", uri=True, timeout=30)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(query, values)]

    def live_jobs(self) -> list[dict[str, Any]]:
        """The jobs that are queued or running."""
        return self.rows("SELECT * FROM jobs WHERE status IN (?, ?)", *LIVE)

    def reached(self, after: int = 0) -> Iterator[dict[str, Any]]:
        """The boundaries that were reached, from that line of the log on."""
        log = self.folder / LOG
        for line in log.read_text().splitlines()[after:] if log.exists() else ():
            yield json.loads(line)

    # --- the whole --------------------------------------------------------------------------------------------------

    def __enter__(self) -> KillableBot:
        self.local_slack.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.local_slack.__exit__()
