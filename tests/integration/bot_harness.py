"""A whole bot (Bolt, Flask on waitress, notifier, ledger) against a local Slack. Only the cluster is not there: a test
plays the worker by saying to the ledger what a worker would."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from slack_bolt import App

from bot.dependencies import Dependencies
from bot.notifications.notifier import Notifier
from bot.observability.metrics import Metrics
from bot.observability.readiness import Checks, Readiness
from bot.slack.app import ListenerThreads, build_app
from bot.slack.client import Slack
from bot.web.http_server import SocketMode, web_server
from bot.web.ops_endpoints import Ops
from bot.web.public_app import WebContext, build_web
from dev.slack import LocalSlack
from dev.slack.delivery import sign
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import Problem
from provisioner.domain.job import ROLLBACK, STAGES, EventKind, Job
from provisioner.domain.store import Addresses, Store
from provisioner.ledger.backup import Backups
from provisioner.ledger.ledger import Ledger, Limits
from tests.waiting import until

DANA, ADA, OLI = "U0DANA001", "U0ADA0001", "U0OLI0001"
STORES, FAILURES, RANDOM = "C0STORES1", "C0FAILURE", "C0RANDOM1"
SECRET = {"admin-email": "admin@my-shop.localhost", "admin-password": "correct-horse", "database-password": "not-shown"}

CHART = """
apiVersion: v2
name: medusa
version: 1.0.0
annotations:
  storewright.dev/label: Medusa
  storewright.dev/description: A headless shop with its own admin.
  storewright.dev/admin-path: /app
  storewright.dev/credentials: "admin-email,admin-password"
  storewright.dev/options: |
    - {id: currency, label: Currency, value: store.currency, default: eur, choices: {eur: "Euro (€)", usd: US dollar}}
    - {id: color, label: Colour, value: store.color, default: "#2f6f4f", choices: {"#2f6f4f": Forest, "#1f5f8b": Ocean}}
"""
VALUES = "store: {currency: eur, color: '#2f6f4f'}"
PLAIN = """
apiVersion: v2
name: plain
version: 1.0.0
annotations:
  storewright.dev/label: Plain
  storewright.dev/options: |
    - {id: color, label: Colour, value: store.color, default: red, choices: {red: Red, "#1f5f8b": Ocean}}
"""


class MovableClock:
    """The time of day, moved ahead as a test says."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Bot:
    """One running bot. `url` is where it listens, `secret` what the cluster would give (or raise)."""

    url: str
    slack: LocalSlack
    ledger: Ledger
    notifier: Notifier
    clock: MovableClock
    metrics: Metrics
    secret: dict[str, str] | Exception = field(default_factory=lambda: dict(SECRET))

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=10)

    def signed(self, form: dict[str, str], **changed: str) -> httpx.Response:
        """POST a form as Slack would; `changed` are headers to send instead."""
        body, at = urlencode(form).encode(), str(int(time.time()))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": changed.get("at", at),
            "X-Slack-Signature": changed.get("signature", sign(self.slack.signing_secret, body, changed.get("at", at))),
        }
        with self.http() as http:
            sent = {name.encode(): value.encode() for name, value in headers.items() if value}
            return http.post("/slack/events", content=body, headers=sent)

    # --- the worker's part ----------------------------------------------------------------------------------------

    def job(self) -> Job:
        """The oldest job that is due, now running."""
        job = self.ledger.claim_due()
        assert job is not None, "no job is due"
        return job

    def work(self, *stages: str) -> Job:
        """Take the next job through `stages`, without ending it."""
        job = self.job()
        for stage in stages:
            self.ledger.record(job, EventKind.STARTED, stage)
            self.ledger.record(job, EventKind.DONE, stage)
        return job

    def finish(self, version: str = "1.0.0") -> Job:
        """Take the next job to its good end, by that version of the chart."""
        job = self.job()
        for stage in STAGES[job.kind]:
            self.ledger.record(job, EventKind.STARTED, stage)
            self.ledger.record(job, EventKind.DONE, stage)
        self.ledger.succeed(job, version)
        return job

    def break_down(self, problem: Problem, *, undone: bool = False) -> Job:
        """Let the next job fail, and put back what it changed where that is to be `undone`."""
        job = self.work("namespace")
        if undone:
            self.ledger.record(job, EventKind.STARTED, ROLLBACK)
            self.ledger.record(job, EventKind.DONE, ROLLBACK)
        self.ledger.fail(job, problem, store_kept=undone)
        return job

    def store(self, name: str = "my-shop") -> Store:
        found = self.ledger.store(name)
        assert found is not None
        return found

    # --- what people see --------------------------------------------------------------------------------------------

    def root(self, saying: str, channel: str = "#stores", timeout: float = 8) -> dict[str, Any]:
        """The root message whose text holds `saying`, as soon as there is one."""

        def look() -> dict[str, Any] | None:
            return next((m for m in self.slack.messages(channel) if saying in m["text"]), None)

        return self.slack.wait_for(look, timeout, f"a message saying {saying!r} in {channel}")

    def whispered(self, user: str = "Dana") -> str:
        """The newest ephemeral message this person sees."""
        seen = self.slack.ephemerals(user)
        return str(seen[-1]["text"]) if seen else ""

    def settled(self, timeout: float = 10) -> None:
        """Wait until the outbox has nothing left to tell."""
        until("an empty outbox", lambda: self.ledger.next_outgoing_at() is None, timeout)


@contextmanager
def running_bot(
    folder: Path,
    slack: LocalSlack,
    *,
    limits: Limits | None = None,
    socket: bool = False,
    tell: bool = True,
    failures: str = FAILURES,
) -> Iterator[Bot]:
    """A bot with its ledger in `folder`, whose channel for failures is `failures`; `tell=False` leaves the notifier
    unstarted. A second one in the same folder is the same bot after a restart."""
    limits, clock, metrics = limits or Limits(), MovableClock(), Metrics()
    catalog = Catalog(make_charts(folder))
    ledger = Ledger(folder / "ledger.db", Addresses("localhost", port=8081), clock)
    metrics.watch(ledger, Backups(ledger.path), catalog.types)
    client = Slack(slack.bot_token, slack.api_url, metrics.slack_calls)
    notifier = Notifier(ledger, catalog, client, failures, limits)
    bot = Bot(web_server_address(), slack, ledger, notifier, clock, metrics)
    context = Dependencies(ledger, catalog, client, frozenset({ADA}), limits, bot.url, notifier.remember_aside)
    with ExitStack() as stack:
        stack.callback(ledger.close)
        threads = stack.enter_context(ListenerThreads())
        app, door = build_app(context, threads, None if socket else slack.signing_secret), SocketMode(slack.app_token)
        readiness = _readiness(bot, client, failures, {"socket": door.check} if socket else {})
        _serve(bot, context, readiness, None if socket else app, stack)
        if socket:
            stack.enter_context(door.serving(app))
        else:
            slack.connect_bot(bot.url)
        ledger.on_change = notifier.wake
        if tell:
            notifier.start()
        stack.callback(notifier.stop)
        yield bot


def _readiness(bot: Bot, client: Slack, failures: str, more: Checks) -> Readiness:
    return Readiness(
        {"ledger": bot.ledger.try_writing, "slack": client.auth_test, "cluster": lambda: _read(bot), **more},
        {"failure_channel": lambda: client.conversations_history(channel=failures, limit=1)},
    )


def _serve(bot: Bot, context: Dependencies, readiness: Readiness, app: App | None, stack: ExitStack) -> None:
    """Answer at the bot's address until the stack is closed; `app` takes Slack's requests, where it is to."""
    bot.metrics.watch_readiness(readiness)
    bot.metrics.watch_work(8, lambda: (0, 0))
    front = WebContext(bot.ledger, context.catalog, lambda _: _read(bot), bot.url)
    web = build_web(front, app, Ops(lambda: "", readiness, bot.metrics.registry))
    server = web_server(web, bot.url.removeprefix("http://"))
    threading.Thread(target=server.run, name="web", daemon=True).start()
    stack.callback(server.task_dispatcher.shutdown)


def _read(bot: Bot) -> dict[str, str]:
    if isinstance(bot.secret, Exception):
        raise bot.secret
    return bot.secret


def make_charts(folder: Path) -> Path:
    """A charts folder with the types "medusa" (the default) and "plain", which have a choice in common."""
    for name, chart in (("medusa", CHART), ("plain", PLAIN)):
        at = folder / "charts" / name
        at.mkdir(parents=True, exist_ok=True)
        (at / "Chart.yaml").write_text(chart)
        (at / "values.yaml").write_text(VALUES)
    return folder / "charts"


def web_server_address() -> str:
    """http://127.0.0.1:PORT with a port that is free now."""
    import socket as sockets

    with sockets.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
