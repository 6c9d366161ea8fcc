"""The only place that wires settings, clients, scheduler and servers, and takes them apart again in time."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from bot.dependencies import Dependencies
from bot.leader_election import as_leader, home_of
from bot.notifications.notifier import Notifier
from bot.observability.metrics import Metrics
from bot.observability.readiness import Readiness
from bot.settings import Settings, StoreSettings
from bot.slack.app import ListenerThreads, build_app
from bot.slack.client import Slack
from bot.web.http_server import SocketMode, serve_beside, serve_web
from bot.web.ops_endpoints import Ops, build_ops
from bot.web.public_app import WebContext, build_web
from provisioner.clients.helm import Helm, OnHelmRun, ignore_run
from provisioner.clients.kubernetes.cluster import Cluster
from provisioner.domain.catalog import Catalog
from provisioner.domain.store import SECRET_NAME
from provisioner.ledger.ledger import Ledger
from provisioner.operations import Toolbox
from provisioner.runner.executors import Executor, KubernetesExecutor, LocalExecutor
from provisioner.runner.lease import Lease
from provisioner.runner.scheduler import Scheduler

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises StorewrightError, or ValueError for charts of no use."""
    catalog, metrics = settings.catalog(), Metrics()
    max_jobs = settings.workers if settings.executor == "local" else settings.jobs_at_once
    cluster = Cluster(settings.kubeconfig, settings.kube_context, max_jobs=max_jobs)
    with as_leader(settings, cluster) as (ledger, lease):
        _serve(settings, toolbox(settings, ledger, catalog, cluster, metrics.ran_helm), ledger, lease, metrics)
    log.info("stopped")


def _serve(settings: Settings, tools: Toolbox, ledger: Ledger, lease: Lease, metrics: Metrics) -> None:
    backups = settings.backups()
    slack = Slack(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, metrics.slack_calls)
    notifier = Notifier(ledger, tools.catalog, slack, settings.failure_channel, settings.limits)
    executor = executor_of(settings, ledger, tools, lease, metrics.ran_helm)
    scheduler = Scheduler(ledger, tools, executor, lease=lease, chores=[backups.keep_up])
    socket = _socket_mode(settings)
    readiness = Readiness(
        {
            "ledger": ledger.try_writing,
            "lease": lease.check,
            "cluster": tools.cluster.version,
            "slack": slack.auth_test,
            **({"socket": socket.check} if socket else {}),
            "helm": tools.helm.version,
        },
        {"failure_channel": lambda: slack.conversations_history(channel=settings.failure_channel, limit=1)},
    )
    metrics.watch(ledger, backups, tools.catalog.types)
    metrics.watch_readiness(readiness)
    metrics.watch_work(executor.at_once, scheduler.held)
    context = Dependencies(
        ledger, tools.catalog, slack, settings.admins, settings.limits, settings.public_url, notifier.remember_aside
    )
    front = WebContext(
        ledger=ledger,
        catalog=tools.catalog,
        read_secret=lambda store: tools.cluster.read_secret(store.namespace, SECRET_NAME),
        public_origin=settings.public_origin,
    )
    ops = Ops(scheduler.trouble, readiness, metrics.registry)

    def wake_all() -> None:
        scheduler.wake()
        notifier.wake()

    ledger.on_change = wake_all
    with _working(scheduler, notifier), ListenerThreads() as threads, _requesting_stop(scheduler, notifier):
        _listen(settings, context, front, ops, threads, socket)


def executor_of(
    settings: StoreSettings, ledger: Ledger, tools: Toolbox, lease: Lease, on_helm_run: OnHelmRun = ignore_run
) -> Executor:
    """Where jobs run, and only while the Lease is ours. Raises BadSettings."""
    fenced, home = tools.fenced(lease.require), home_of(settings, tools.cluster)
    if settings.executor == "local":
        return LocalExecutor(fenced, settings.workers, home)
    return KubernetesExecutor(ledger, fenced, settings.worker, home, settings.jobs_at_once, on_helm_run)


def toolbox(
    settings: StoreSettings,
    ledger: Ledger,
    catalog: Catalog,
    cluster: Cluster,
    on_helm_run: OnHelmRun = ignore_run,
) -> Toolbox:
    """What work on stores is done with."""
    return Toolbox(
        ledger=ledger,
        cluster=cluster,
        helm=Helm(
            settings.helm,
            settings.kubeconfig,
            settings.kube_context,
            on_run=on_helm_run,
            permissions_pending=cluster.permissions_pending,
        ),
        catalog=catalog,
        addresses=settings.addresses,
        instance=settings.instance,
        profile=settings.store_profile,
        overlay=settings.overlay,
        service_account=settings.service_account,
        store_role=settings.store_role,
        pull_secret=settings.pull_secret,
        ingress_address=settings.ingress_address,
    )


@contextmanager
def _working(scheduler: Scheduler, notifier: Notifier) -> Iterator[None]:
    """The threads that work and tell; at the end what they left is in the ledger for the next process."""
    scheduler.start()
    notifier.start()
    try:
        yield
    finally:
        left = scheduler.stop()
        notifier.stop()
        log.info("work has stopped", extra={"jobs_left_at_work": left})
        if left:  # in a call that does not return: they would hold up our end, and lose nothing by it
            logging.shutdown()
            os._exit(0)


@contextmanager
def _requesting_stop(scheduler: Scheduler, notifier: Notifier) -> Iterator[None]:
    """At the end everything is asked to stop before anything is waited for."""
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
    context: Dependencies,
    front: WebContext,
    ops: Ops,
    threads: ThreadPoolExecutor,
    socket: SocketMode | None,
) -> None:
    """Take requests until a signal says stop. Raises CannotListen."""
    beside = None if settings.ops_listen else ops
    if settings.ops_listen:
        serve_beside(build_ops(ops), settings.ops_listen)
    if socket:
        with socket.serving(build_app(context, threads, None)):
            return serve_web(build_web(front, None, beside), settings.listen)
    secret = settings.slack_signing_secret
    app = build_app(context, threads, secret.get_secret_value()) if secret else None
    return serve_web(build_web(front, app, beside), settings.listen)
