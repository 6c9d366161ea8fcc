"""A whole bot (Bolt, Flask on waitress, notifier, ledger) against a local Slack.

Only the cluster is missing: a test plays the worker and records in the ledger what a worker would."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import pytest
from slack_bolt import App

from bot.commands.registry import OFFERS
from bot.dependencies import Dependencies
from bot.notifications.notifier import GATHER_SECONDS, Notifier
from bot.observability.metrics import Metrics
from bot.observability.readiness import Checks, Readiness
from bot.slack.app import ListenerThreads, SlowAnswers, build_app
from bot.slack.attend import SlackDependencies
from bot.slack.audit_writer import AuditWriter
from bot.slack.client import ANSWER_SECONDS, Slack
from bot.slack.people import SlackPeople
from bot.slack.rate_limiter import RATES, RateLimiter
from bot.slack.signature import SignatureCheck
from bot.web.http_server import WEB_THREADS, serve_in_background
from bot.web.one_time_pages import PageDependencies
from bot.web.ops_endpoints import Ops
from bot.web.public_app import build_public_app
from bot.web.slack_endpoint import SlackEndpoint
from bot.web.socket_mode import SocketMode
from dev import local_http
from dev.slack import LocalSlack
from dev.slack.delivery import sign
from provisioner.capacity import Capacity
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import Problem
from provisioner.domain.job import ROLLBACK_STAGE, EventKind, Job
from provisioner.domain.limits import Limits
from provisioner.domain.revision import Revision
from provisioner.domain.store import Store
from provisioner.imports import receive
from provisioner.ledger.backup import Backups
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.outbox import OutboxEntry, OutboxKind
from provisioner.log_context import new_id
from provisioner.logs import StoreLog
from provisioner.operations.delete import DELETE
from provisioner.operations.journal import JobJournal
from provisioner.operations.registry import DEFAULT_DEADLINES, OPERATIONS
from provisioner.operations.toolbox import Toolbox
from provisioner.orders import OrderContext, Orders, StoreRequest
from provisioner.runner.kept_backups import Room
from provisioner.store_usage import StoreUsage
from tests.ledgers import ADDRESSES
from tests.waiting import until
from tests.workers import free_address

UNDELETE_DAYS = 7
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
  storewright.dev/backups: "true"
  storewright.dev/proof: "ingress: { enabled: false }"
  storewright.dev/visits: "{container: shop, line: 'visit by (?P<agent>.*)'}"
  storewright.dev/admin-path: /app
  storewright.dev/secret: |
    admin-email: "admin@{host}"
    admin-password: "{password}"
    database-password: "{hex}"
  storewright.dev/credentials: "admin-email,admin-password"
  storewright.dev/reset: admin-password
  storewright.dev/options: |
    - {id: currency, label: Currency, value: store.currency, default: eur, choices: {eur: "Euro (€)", usd: US dollar}}
    - id: color
      label: Colour
      value: store.color
      default: "#2f6f4f"
      settable: true
      choices: {"#2f6f4f": Forest, "#1f5f8b": Ocean}
    - {id: logo, label: Logo, value: store.logo, settable: true, hint: An address that begins with https://.}
    - {id: replicas, label: Replicas, value: replicas, settable: true, hint: A number from 1 to 3.}
"""
VALUES = "{store: {currency: eur, color: '#2f6f4f', logo: ''}, replicas: 1}"
SCHEMA = {
    "properties": {
        "replicas": {"type": "integer", "minimum": 1, "maximum": 3},
        "store": {"properties": {"logo": {"pattern": "^(https://.*)?$"}}},
    },
    "if": {"properties": {"replicas": {"minimum": 2}}},
    "then": {"properties": {"store": {"properties": {"color": {"const": "#2f6f4f"}}}}},
}
PLAIN = """
apiVersion: v2
name: plain
version: 1.0.0
annotations:
  storewright.dev/label: Plain
  storewright.dev/options: |
    - {id: color, label: Colour, value: store.color, default: red, choices: {red: Red, "#1f5f8b": Ocean}}
"""


# Tests whose subject is not the pace don't wait for it. The local Slack must have no rate limits then.
UNPACED = dict.fromkeys(RATES, (1000, 1.0))
UNPACED_GATHER_SECONDS = 0.05


class MovableClock:
    """The time of day plus `ahead` seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class WaitingContainer:
    """The cluster of an upload: with `starts`, a container that takes in the archive, as that of a chart does."""

    starts: bool = True
    content: bytes = b""

    def pods(self, namespace: str, labels: Mapping[str, str]) -> list[Any]:
        state: dict[str, Any] = {"state": {"running": {}} if self.starts else {"waiting": {}}}
        return [{"metadata": {"name": "my-shop-import"}, "status": {"containerStatuses": [state]}}]

    def output_of(
        self, namespace: str, pod: str, container: str, command: Sequence[str], content: bytes
    ) -> Iterator[bytes]:
        offset, size, _ = command[-3:]
        if (offset, size) == (str(len(self.content)), str(len(content))):
            self.content += content
        yield f"{len(self.content)}\n".encode()


@dataclass
class Bot:
    """One running bot. `url` is where it listens; `secret` is each store's Secret, or the error of reading it, and
    `archive` returns the parts of each backup, or raises; `container` takes in archives. `room` is what the
    storage of the backups has. The last of `logs` is each store's log, or the error of reading it, which takes
    `log_seconds`. `usage` is that of each store, and `revisions` are those of its release, or the error of reading
    them. `capacity` is the cluster's."""

    url: str
    slack: LocalSlack
    orders: Orders
    notifier: Notifier
    clock: MovableClock
    metrics: Metrics
    app: App
    audit_writer: AuditWriter
    secret: dict[str, str] | Exception = field(default_factory=lambda: dict(SECRET))
    room: Room | None = None
    archive: Callable[[], Iterator[bytes]] = lambda: iter([b"first", b"second"])
    container: WaitingContainer = field(default_factory=WaitingContainer)
    logs: list[StoreLog | Exception] = field(default_factory=list)
    log_seconds: float = 0.0
    usage: StoreUsage | None = None
    revisions: list[Revision] | Exception = field(default_factory=list)
    capacity: Capacity | None = None

    @property
    def ledger(self) -> Ledger:
        return self.orders.ledger

    def http(self) -> httpx.Client:
        return local_http.client(base_url=self.url, timeout=60)

    def signed(self, form: dict[str, str], **changed: str) -> httpx.Response:
        """POST a form as Slack does; `changed` are other values of the headers `at` and `signature`."""
        return self.signed_body(urlencode(form).encode(), "application/x-www-form-urlencoded", **changed)

    def signed_body(self, body: bytes, content_type: str, **changed: str) -> httpx.Response:
        """POST a body as Slack does."""
        at = changed.get("at", str(int(time.time())))
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": changed.get("signature", sign(self.slack.signing_secret, body, at)),
        }
        with self.http() as http:
            sent = {name.encode(): value.encode() for name, value in headers.items() if value}
            return http.post("/slack/events", content=body, headers=sent)

    # --- orders that no test of Slack is about --------------------------------------------------------------------

    def order(self, name: str = "my-shop", origin: str = STORES) -> Job:
        """Dana's order of a Medusa store."""
        context = OrderContext(self.orders.actor(DANA), origin, new_id())
        return self.orders.create(context, StoreRequest(name, "medusa", {}))

    def order_deletion(self, name: str = "my-shop", *, by: str = DANA) -> Job:
        """An order that Slack shows only once the notifier has sent its messages."""
        context = OrderContext(self.orders.actor(by), STORES, new_id())
        return self.orders.place(context, DELETE, self.store(name).id)

    # --- the worker -----------------------------------------------------------------------------------------------

    @property
    def journal(self) -> JobJournal:
        return JobJournal(self.ledger)

    def claim(self) -> Job:
        """The oldest due job, now running."""
        job = self.ledger.jobs.claim()
        assert job is not None, "no job is due"
        return job

    def complete(self, job: Job, *stages: str) -> None:
        """Record that `job` started and completed `stages`."""
        for stage in stages:
            self.ledger.jobs.record(job, EventKind.STARTED, stage)
            self.ledger.jobs.record(job, EventKind.DONE, stage)

    def work(self, *stages: str) -> Job:
        """Take the next job through `stages`, without its end."""
        job = self.claim()
        self.complete(job, *stages)
        return job

    def finish(self, version: str = "1.0.0") -> Job:
        """Let the next job succeed, with that chart version."""
        job = self.claim()
        self.complete(job, *(stage.name for stage in OPERATIONS[job.kind].stages if not stage.exceptional))
        self.journal.succeed(job, version)
        return job

    def fail(self, problem: Problem, *, rolled_back: bool = False) -> Job:
        """Let the next job fail, after it restored its store if it is `rolled_back`."""
        job = self.work("namespace")
        if rolled_back:
            self.complete(job, ROLLBACK_STAGE)
        self.journal.fail(job, problem, store_unchanged=rolled_back)
        return job

    def store(self, name: str = "my-shop") -> Store:
        found = self.ledger.stores.named(name)
        assert found is not None
        return found

    def queued_jobs(self) -> list[tuple[str, int]]:
        """(kind, count) of the queued jobs."""
        jobs = self.ledger.statistics.counts().jobs
        return [(kind, count) for kind, status, count in jobs if status == "queued"]

    # --- what people see ------------------------------------------------------------------------------------------

    def root(self, text: str, channel: str = "#stores", timeout: float = 60) -> dict[str, Any]:
        """The root message that contains `text`, as soon as there is one."""

        def look() -> dict[str, Any] | None:
            return next((m for m in self.slack.messages(channel) if text in m["text"]), None)

        return self.slack.wait_for(look, timeout, f"a message with {text!r} in {channel}")

    def whispered(self, user: str = "Dana") -> str:
        """The newest ephemeral message of this person."""
        seen = self.slack.ephemerals(user)
        return str(seen[-1]["text"]) if seen else ""

    def answered(self, typed: str, user: str = "Dana") -> dict[str, Any]:
        """The message that answers a command."""
        return self.slack.ask(user, "#stores", typed)

    def audit(self, limit: int = 1000) -> list[dict[str, Any]]:
        """The audit log, newest first."""
        self.audit_writer.wait_until_written()
        return self.ledger.audit.rows(limit)

    # --- the outbox -----------------------------------------------------------------------------------------------

    def entry(self, kind: OutboxKind, subject: str) -> OutboxEntry:
        found = self.ledger.outbox.get(kind, subject)
        assert found is not None
        return found

    def settled(self, timeout: float = 60) -> None:
        """Wait until the outbox is empty."""
        until("an empty outbox", lambda: self.ledger.outbox.next_due_at() is None, timeout)


@contextmanager
def running_bot(
    folder: Path,
    slack: LocalSlack,
    *,
    limits: Limits | None = None,
    socket: bool = False,
    notify: bool = True,
    failures: str = FAILURES,
    admins: frozenset[str] = frozenset({ADA}),
    rates: Mapping[str, tuple[int, float]] = UNPACED,
) -> Iterator[Bot]:
    """A bot with its ledger in `folder` and the failure channel `failures`.

    With `notify=False`, the notifier is not started. With `rates`, it keeps that pace and gathers stages in one post.
    A second bot in the same folder is the same bot after a restart.
    """
    limits, clock, metrics = limits or Limits(), MovableClock(), Metrics()
    catalog = Catalog(make_charts(folder))
    ledger = Ledger.exclusive(folder / "ledger.db", clock)
    metrics.add_ledger(ledger, Backups(ledger.path), catalog.types)
    client = Slack(slack.bot_token, slack.api_url, metrics.slack_calls)
    asker = Slack(slack.bot_token, slack.api_url, metrics.slack_calls, timeout=ANSWER_SECONDS)
    gather_seconds = UNPACED_GATHER_SECONDS if rates is UNPACED else GATHER_SECONDS
    orders = Orders(ledger, catalog, ADDRESSES, limits, DEFAULT_DEADLINES, admins, undelete_days=UNDELETE_DAYS)
    notifier = Notifier(orders, client, failures, admins, pace=RateLimiter(clock, rates), gather_seconds=gather_seconds)
    url = free_address()
    commands = _commands(orders, url, SlackPeople(asker), lambda: bot)
    audit, slow_answers = AuditWriter(ledger), SlowAnswers()
    dependencies = SlackDependencies(commands, client, notifier.remember_response_url, failures, audit, slow_answers)
    with ExitStack() as stack, slow_answers:
        stack.callback(ledger.close)
        stack.enter_context(audit)
        app = build_app(dependencies, stack.enter_context(ListenerThreads()))
        bot = Bot(url, slack, orders, notifier, clock, metrics, app, audit)
        _connect(bot, client, failures, socket, stack)
        if notify:
            notifier.start()
        stack.callback(notifier.stop)
        yield bot


def _commands(orders: Orders, url: str, people: SlackPeople, bot: Callable[[], Bot]) -> Dependencies:
    """What the cluster says of a store comes from the `bot`, which is made later."""
    return Dependencies(
        orders=orders,
        public_url=url,
        offers=OFFERS,
        read_log=lambda store, component: _log(bot()),
        read_usage=lambda store: bot().usage,
        read_revisions=lambda store: _revisions(bot()),
        capacity_for=lambda store_type: bot().capacity,
        people=people,
    )


def _connect(bot: Bot, client: Slack, failures: str, socket: bool, stack: ExitStack) -> None:
    """Serve the bot until `stack` is closed, and let its Slack reach it: through Socket Mode or over HTTP."""
    connection = SocketMode(bot.slack.app_token)
    readiness = _readiness(bot, client, failures, {"socket": connection.check} if socket else {})
    endpoint = SlackEndpoint(bot.app, SignatureCheck(bot.slack.signing_secret))
    _serve(bot, readiness, None if socket else endpoint, stack)
    if socket:
        stack.enter_context(connection.serving(bot.app))
    else:
        bot.slack.connect_bot(bot.url)


def _readiness(bot: Bot, client: Slack, failures: str, more: Checks) -> Readiness:
    return Readiness(
        {"ledger": bot.ledger.require_writable, "slack": client.auth_test, "cluster": lambda: _secret(bot), **more},
        {"failure_channel": lambda: client.conversations_history(channel=failures, limit=1)},
    )


def _serve(bot: Bot, readiness: Readiness, endpoint: SlackEndpoint | None, stack: ExitStack) -> None:
    """Serve at the bot's address until the stack is closed; `endpoint` is None in Socket Mode."""
    bot.metrics.add_readiness(readiness)
    bot.metrics.add_workers(8, lambda: (0, 0))
    bot.metrics.add_backup_room(lambda: bot.room)
    pages = PageDependencies(
        ledger=bot.ledger,
        catalog=bot.orders.catalog,
        read_secret=lambda _: _secret(bot),
        open_archive=lambda store, backup: iter(bot.archive()),
        receive=partial(receive, cast(Toolbox, SimpleNamespace(cluster=bot.container)), bot.orders),
        public_origin=bot.url,
    )
    web = build_public_app(pages, endpoint, Ops(lambda: "", readiness, bot.metrics.registry))
    stack.callback(serve_in_background(web, bot.url.removeprefix("http://"), WEB_THREADS))


def _log(bot: Bot) -> StoreLog:
    time.sleep(bot.log_seconds)
    found = bot.logs[-1]
    if isinstance(found, Exception):
        raise found
    return found


def _revisions(bot: Bot) -> list[Revision]:
    if isinstance(bot.revisions, Exception):
        raise bot.revisions
    return bot.revisions


def _secret(bot: Bot) -> dict[str, str]:
    if isinstance(bot.secret, Exception):
        raise bot.secret
    return bot.secret


def make_charts(folder: Path) -> Path:
    """A charts folder with the types "medusa" (the default) and "plain", which share one choice."""
    for name, chart in (("medusa", CHART), ("plain", PLAIN)):
        at = folder / "charts" / name
        at.mkdir(parents=True, exist_ok=True)
        (at / "Chart.yaml").write_text(chart)
        (at / "values.yaml").write_text(VALUES)
        (at / "values.schema.json").write_text(json.dumps(SCHEMA))
    return folder / "charts"


def use_terminal(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `storewright …` use the bot's ledger until the test ends."""
    settings = {
        "LEDGER_PATH": bot.ledger.path,
        "CHARTS_DIR": make_charts(bot.ledger.path.parent / "terminal"),
        "STORE_DOMAIN": "localhost",
    }
    for name, setting in settings.items():
        monkeypatch.setenv(name, str(setting))
