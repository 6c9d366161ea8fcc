"""Bootstrap: builds the bot from its settings, runs it, and stops its parts in order."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Thread

from bot.builders import build_executor, build_orders, build_toolbox
from bot.commands.registry import OFFERS
from bot.dependencies import Dependencies
from bot.former_settings import deprecation_warnings
from bot.leader_election import as_leader
from bot.notifications.notifier import Notifier
from bot.observability.metrics import Metrics
from bot.observability.readiness import Checks, Readiness
from bot.settings import Settings
from bot.slack.app import ListenerThreads, SlowAnswers, build_app
from bot.slack.attend import SlackDependencies
from bot.slack.audit_writer import AuditWriter
from bot.slack.client import ANSWER_SECONDS, Slack
from bot.slack.people import SlackPeople
from bot.slack.signature import SignatureCheck
from bot.web.http_server import serve_in_background, serve_until_signal
from bot.web.one_time_pages import PageDependencies
from bot.web.ops_endpoints import Ops, build_ops
from bot.web.public_app import build_public_app
from bot.web.slack_endpoint import SlackEndpoint
from bot.web.socket_mode import SocketMode
from bot.web.waker import build_waker
from provisioner.capacity import CapacityReader
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.errors import StorewrightError
from provisioner.domain.store import SECRET_NAME
from provisioner.exports import archive_of
from provisioner.imports import receive
from provisioner.ledger.ledger import Ledger
from provisioner.logs import read_log
from provisioner.operations.steps.backup_job import ensure_keys, has_backups
from provisioner.operations.steps.revisions import read_revisions
from provisioner.operations.toolbox import Toolbox
from provisioner.orders import Orders
from provisioner.runner.backup_proofs import BackupProofs, remove_copies
from provisioner.runner.daily_backups import DailyBackups
from provisioner.runner.expiring_stores import ExpiringStores
from provisioner.runner.forgotten_stores import ForgottenStores
from provisioner.runner.idle_stores import IdleStores
from provisioner.runner.kept_backups import KeptBackups
from provisioner.runner.lease import Lease
from provisioner.runner.namespace_notes import NamespaceNotes
from provisioner.runner.scheduler import Scheduler
from provisioner.runner.sleeping_stores import SleepingStores
from provisioner.store_usage import read_usage

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises StorewrightError, or ValueError for unusable charts."""
    for warning in deprecation_warnings():
        log.warning(warning)
    catalog, metrics = settings.catalog(), Metrics()
    max_jobs = settings.workers if settings.executor == "local" else settings.max_concurrent_jobs
    cluster = Cluster(settings.kubeconfig, settings.kube_context, max_jobs=max_jobs)
    with as_leader(settings, cluster) as (ledger, lease):
        tools = build_toolbox(settings, ledger, catalog, cluster, metrics.record_helm_run)
        _serve(settings, tools, ledger, lease, metrics)
    log.info("stopped")


def _serve(settings: Settings, tools: Toolbox, ledger: Ledger, lease: Lease, metrics: Metrics) -> None:
    backups = settings.backups()
    slack = Slack(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, metrics.slack_calls)
    orders = build_orders(settings, ledger, tools.catalog, settings.admins)
    notifier = Notifier(orders, slack, settings.failure_channel, settings.admins)
    executor = build_executor(settings, ledger, tools, lease, metrics.record_helm_run)
    kept = KeptBackups(ledger, tools.cluster, settings.backup_server) if settings.backup_server else None
    chores = [backups.make_if_due, *_store_chores(settings, orders, tools, kept)]
    scheduler = Scheduler(ledger, tools, executor, lease=lease, chores=chores)
    socket = _socket_mode(settings)
    readiness = _readiness(settings, tools, ledger, lease, slack, socket)
    Thread(target=_ensure_backup_keys, args=(tools,), name="backup keys", daemon=True).start()
    metrics.add_ledger(ledger, backups, tools.catalog.types)
    metrics.add_readiness(readiness)
    metrics.add_backup_room(lambda: kept.room if kept else None)
    metrics.add_workers(executor.at_once, scheduler.workers)
    commands = _commands(settings, orders, tools, metrics)
    audit, slow_answers = AuditWriter(ledger), SlowAnswers()
    slack_dependencies = SlackDependencies(
        commands, slack, notifier.remember_response_url, settings.failure_channel, audit, slow_answers
    )
    pages = _pages(settings, orders, tools)
    ops = Ops(scheduler.trouble, readiness, metrics.registry)
    with (
        _waker(settings, orders),
        _running(scheduler, notifier),
        audit,
        slow_answers,
        ListenerThreads() as threads,
        _requesting_stop(scheduler, notifier),
    ):
        _listen(settings, slack_dependencies, pages, ops, threads, socket)


def _commands(settings: Settings, orders: Orders, tools: Toolbox, metrics: Metrics) -> Dependencies:
    return Dependencies(
        orders=orders,
        public_url=settings.public_url,
        offers=OFFERS,
        read_log=partial(read_log, tools),
        read_usage=partial(read_usage, tools.cluster),
        read_revisions=partial(read_revisions, tools),
        capacity_for=CapacityReader(tools).latest if settings.show_capacity else lambda store_type: None,
        people=_people(settings, metrics),
    )


@contextmanager
def _waker(settings: Settings, orders: Orders) -> Iterator[None]:
    """The page for visits of sleeping stores, if there is one, on a port of its own."""
    close = serve_in_background(build_waker(orders), settings.waker_address) if settings.waker_address else None
    try:
        yield
    finally:
        if close:
            close()


def _people(settings: Settings, metrics: Metrics) -> SlackPeople:
    """Asks Slack who somebody is, while Slack waits for our answer."""
    token, url = settings.slack_bot_token.get_secret_value(), settings.slack_api_url
    return SlackPeople(Slack(token, url, metrics.slack_calls, timeout=ANSWER_SECONDS))


def _pages(settings: Settings, orders: Orders, tools: Toolbox) -> PageDependencies:
    return PageDependencies(
        ledger=orders.ledger,
        catalog=tools.catalog,
        read_secret=lambda store: tools.cluster.read_secret(store.namespace, SECRET_NAME),
        open_archive=partial(archive_of, tools),
        receive=partial(receive, tools, orders),
        public_origin=settings.public_origin,
    )


def _store_chores(
    settings: Settings, orders: Orders, tools: Toolbox, kept: KeptBackups | None
) -> Iterator[Callable[[], None]]:
    """The chores for all stores: their expiry and their backups, their visits, and those of stores that sleep."""
    yield ExpiringStores(orders).go_on
    yield NamespaceNotes(orders.ledger, tools.cluster, settings.instance).write
    if settings.waker_address:
        yield SleepingStores(orders.ledger, tools.cluster, settings.waker_address).lead_visits_here
        yield IdleStores(orders, tools.cluster).go_on  # without the waker, no visit would wake them
    if kept and settings.backup_server:
        yield kept.read
        yield ForgottenStores(orders.ledger, tools.cluster, settings.backup_server).forget
        yield partial(remove_copies, orders.ledger, tools.cluster, settings.instance)
    if settings.backup_server and settings.backup_daily_hour is not None:
        yield DailyBackups(orders, partial(has_backups, tools.cluster), settings.backup_daily_hour).order_due
        if settings.backup_proof_days:
            yield BackupProofs(orders, settings.backup_daily_hour, settings.backup_proof_days).order_due


def _ensure_backup_keys(tools: Toolbox) -> None:
    """Make the keys that the backup server needs to start. The next backup tries it too.

    A cluster that is away answers late: the bot's own start does not wait for it."""
    if server := tools.defaults.backup_server:
        try:
            ensure_keys(tools.cluster, server)
        except StorewrightError as error:
            log.warning("keys of the backup server not made: %s", error)


def _readiness(
    settings: Settings, tools: Toolbox, ledger: Ledger, lease: Lease, slack: Slack, socket: SocketMode | None
) -> Readiness:
    channel = settings.failure_channel
    checks: Checks = {
        "ledger": ledger.require_writable,
        "lease": lease.check,
        "cluster": tools.cluster.version,
        "slack": slack.auth_test,
        **({"socket": socket.check} if socket else {}),
        "helm": tools.helm.version,
    }
    return Readiness(checks, {"failure_channel": lambda: slack.conversations_history(channel=channel, limit=1)})


# --- running and stopping ----------------------------------------------------------------------------------------


@contextmanager
def _running(scheduler: Scheduler, notifier: Notifier) -> Iterator[None]:
    """The scheduler and the notifier; what they leave undone is in the ledger for the next process."""
    scheduler.start()
    notifier.start()
    try:
        yield
    finally:
        still_running = scheduler.stop()
        notifier.stop()
        log.info("scheduler stopped", extra={"jobs_still_running": still_running})
        if still_running:  # in a call that does not return: they would hold up the exit, and lose nothing by it
            logging.shutdown()
            os._exit(0)


@contextmanager
def _requesting_stop(scheduler: Scheduler, notifier: Notifier) -> Iterator[None]:
    """At the end, request every stop before waiting for the first."""
    try:
        yield
    finally:
        scheduler.request_stop()
        notifier.request_stop()


def _socket_mode(settings: Settings) -> SocketMode | None:
    token = settings.slack_app_token
    return SocketMode(token.get_secret_value()) if settings.slack_mode == "socket" and token else None


def _listen(
    settings: Settings,
    slack_dependencies: SlackDependencies,
    pages: PageDependencies,
    ops: Ops,
    threads: ThreadPoolExecutor,
    socket: SocketMode | None,
) -> None:
    """Take requests until a signal. Raises CannotListen."""
    shared_ops = None if settings.ops_listen else ops
    if settings.ops_listen:
        serve_in_background(build_ops(ops), settings.ops_listen)
    if socket:
        with socket.serving(build_app(slack_dependencies, threads)):
            return serve_until_signal(build_public_app(pages, None, shared_ops), settings.listen)
    secret = settings.slack_signing_secret
    check = SignatureCheck(secret.get_secret_value()) if secret else None
    endpoint = SlackEndpoint(build_app(slack_dependencies, threads), check) if check else None
    return serve_until_signal(build_public_app(pages, endpoint, shared_ops), settings.listen)
